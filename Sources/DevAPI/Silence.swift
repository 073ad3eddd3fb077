internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// How long a daemon may be silent. In seconds.
public struct Patience: Sendable, Equatable {
    /// Until it is asked whether it lives.
    public var first: Double
    /// For its answer to that.
    public var answer: Double
    /// Between two such questions to one that lives and works.
    public var pause: Double
    /// Until one that does not answer is given up.
    public var limit: Double
    public init(first: Double = 3, answer: Double = 1, pause: Double = 10, limit: Double = 20) {
        self.first = first
        self.answer = answer
        self.pause = pause
        self.limit = limit
    }
}

/// Tells a daemon that works for long from one that is stopped (SIGSTOP) or stuck: the former answers a second connection.
struct Silence {
    private let layout: HomeLayout
    private let patience: Patience
    /// When it last gave a sign of life.
    private var since = Monotonic.seconds
    private var nextLook: Double

    init(_ layout: HomeLayout, _ patience: Patience) {
        self.layout = layout
        self.patience = patience
        nextLook = since + patience.first
    }

    mutating func broken() {
        since = Monotonic.seconds
        nextLook = since + patience.first
    }

    /// Milliseconds until the next look, at most `tick`.
    func wait(_ tick: Int32) -> Int32 {
        let left = Int32(min(max(nextLook - Monotonic.seconds, 0) * 1000, 1e6)) + 1
        return tick < 0 ? left : min(tick, left)
    }

    /// Call it when nothing came.
    /// - Throws: `daemon-unreachable` when it has not answered for too long.
    mutating func look(_ observer: CallObserver) throws(DevError) {
        guard Monotonic.seconds >= nextLook else { return }
        if lives() {
            since = Monotonic.seconds
            nextLook = since + patience.pause
            return
        }
        guard Monotonic.seconds < since + patience.limit else { throw unresponsive }
        observer.happened(.silent("The daemon\(pid) does not answer; waiting"))
        nextLook = Monotonic.seconds + patience.answer
    }

    private var pid: String { HomeLock.pid(layout).map { " (pid \($0))" } ?? "" }

    /// Whatever it says: a version, an error.
    private func lives() -> Bool {
        switch LocalSocket.connect(layout.controlSocket, seconds: patience.answer) {
        // One that has gone shows in the call's own connection.
        case .nobody: return true
        case .failed: return false
        case .connected(let socket):
            let request = "POST /v1/daemon HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            guard socket.write(Array(request.utf8)) == 0 else { return true }
            if case .nothingYet = socket.read(milliseconds: Int32(patience.answer * 1000)) { return false }
            return true
        }
    }

    var unresponsive: DevError {
        let help =
            HomeLock.pid(layout).map { "Run kill -CONT \($0) if it was stopped, else kill -9 \($0): servers and sessions go on without it" }
            ?? "Read \(layout.daemonLog)"
        return DevError(
            .daemonUnreachable, "The daemon\(pid) does not answer", object: layout.controlSocket,
            cause: "it was silent for \(Int(patience.limit)) seconds", help: help)
    }
}
