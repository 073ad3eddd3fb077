public import Basics
internal import HTTPWire

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What comes while the daemon works, before its answer.
public enum ControlEvent: Sendable, Equatable {
    /// What it is doing, for people.
    case progress(String)
    /// A line of a log.
    case line(String)
    /// Up to here a log has been told.
    case position(LogPosition)
    /// It is silent and does not say that it lives: what to tell people.
    case silent(String)
    /// `CallObserver.tick` milliseconds went by with nothing to read.
    case tick
}

/// Who wants to know what happens during a call.
public struct CallObserver {
    /// Milliseconds between ticks; -1 for none.
    public var tick: Int32
    /// A descriptor that ends the call with `cancelled` when it can be read; -1 for none.
    public var interrupt: Int32
    /// A pipe or terminal that is written to: when whoever reads it has left, the call ends with `cancelled`; -1 for none.
    public var output: Int32
    public var happened: (ControlEvent) -> Void

    public init(tick: Int32 = -1, interrupt: Int32 = -1, output: Int32 = -1, happened: @escaping (ControlEvent) -> Void = { _ in }) {
        self.tick = tick
        self.interrupt = interrupt
        self.output = output
        self.happened = happened
    }
}

/// A result that says nothing.
public struct Done: Sendable, Codable, Equatable {
    public init() {}
}

/// The blocking client of the control API (Requests.swift): one connection a call.
public struct ControlClient: Sendable {
    public let layout: HomeLayout
    /// How to get a daemon when none runs; nil: a call then fails.
    public var starter: DaemonStarter?
    public var patience = Patience()

    public init(layout: HomeLayout, starter: DaemonStarter? = nil) {
        self.layout = layout
        self.starter = starter
    }

    /// A request that can be repeated (`ControlProtocol.repeatable`) is asked of the next daemon, once, when the one that had it
    /// died before it answered.
    /// - Parameters:
    ///   - path: below `/v1/`.
    ///   - checksVersion: refuse the answer of a daemon of another version.
    /// - Throws: what the daemon answers; `daemon-unreachable` when there is none, or when it went away before it answered;
    ///   `version-mismatch`; `cancelled` by one of the observer's descriptors.
    public func call<Answer: Decodable>(
        _ path: String, _ request: some Encodable, as type: Answer.Type = Answer.self, checksVersion: Bool = true,
        observer: CallObserver = CallObserver()
    ) throws(DevError) -> Answer {
        let first: Outcome<Answer> = try ask(path, request, checksVersion, observer)
        switch first {
        case .answer(let answer): return answer
        case .lost(let number) where !ControlProtocol.repeatable.contains(path): throw lost(number)
        case .lost: break
        }
        HomeLock.waitForDying(layout)
        switch try ask(path, request, checksVersion, observer) as Outcome<Answer> {
        case .answer(let answer): return answer
        case .lost(let number): throw lost(number)
        }
    }

    private enum Outcome<Answer> {
        case answer(Answer)
        /// The daemon closed the connection before its answer was complete: the error's number, if there was one.
        case lost(Int32?)
    }

    private func ask<Answer: Decodable>(
        _ path: String, _ request: some Encodable, _ checksVersion: Bool, _ observer: CallObserver
    ) throws(DevError) -> Outcome<Answer> {
        let socket = try connect(observer)
        let bytes = try encoded(path, request)
        // A daemon that refuses may answer and close before it has read all: its answer tells more than EPIPE.
        let written = socket.write(bytes)
        var reply = ReplyReader<Answer>(path: path)
        var silence = Silence(layout, patience)
        // A log that is followed says nothing for hours.
        var mayBeSilent = false
        while true {
            let patience = mayBeSilent ? observer.tick : silence.wait(observer.tick)
            switch socket.read(milliseconds: patience, interrupt: observer.interrupt, output: observer.output) {
            case .bytes(let received):
                silence.broken()
                mayBeSilent = path == LogsRequest.path
                try reply.feed(received, checksVersion: checksVersion, happened: observer.happened)
                if let answer = reply.answer { return .answer(answer) }
            case .end:
                if let answer = try reply.end() { return .answer(answer) }
                return .lost(written == 0 ? nil : written)
            case .failed(let number): return .lost(number)
            case .nothingYet:
                if observer.tick >= 0 { observer.happened(.tick) }
                if !mayBeSilent { try silence.look(observer) }
            case .interrupted: throw DevError(.cancelled, "Interrupted", object: path)
            }
        }
    }

    private func encoded(_ path: String, _ request: some Encodable) throws(DevError) -> [UInt8] {
        let headers = Headers([
            "content-type": "application/json", "connection": "close", ControlProtocol.versionHeader: devdbVersion,
        ])
        guard let text = try? JSONText.compact(request),
            let bytes = OutgoingRequest(
                method: "POST", target: "/v1/" + path, host: "localhost", headers: headers, body: Array(text.utf8)
            ).encoded()
        else { throw DevError(.internal, "The request could not be written", object: path) }
        return bytes
    }

    /// Whether a daemon takes connections.
    public var isRunning: Bool {
        if case .connected = LocalSocket.connect(layout.controlSocket) { true } else { false }
    }

    private func connect(_ observer: CallObserver) throws(DevError) -> LocalSocket {
        try SocketFolder.check(layout)
        switch LocalSocket.connect(layout.controlSocket) {
        case .connected(let socket): return socket
        case .failed(let number): throw unreachable(number)
        case .nobody: break
        }
        guard let starter else {
            throw DevError(.daemonUnreachable, "The daemon is not running", object: layout.controlSocket, help: "Run dev daemon start")
        }
        try starter.start(observer)
        switch LocalSocket.connect(layout.controlSocket) {
        case .connected(let socket): return socket
        case .failed(let number): throw unreachable(number)
        case .nobody: throw lost(nil)
        }
    }

    private func unreachable(_ number: Int32) -> DevError {
        DevError(
            .daemonUnreachable, "The daemon can't be reached", object: layout.controlSocket, cause: systemText(number),
            help: number == EAGAIN
                ? Silence(layout, patience).unresponsive.help
                : number == EACCES || number == EPERM
                    ? "The home \(layout.root) is somebody else's: set DEVDB_HOME to a folder of your own"
                    : "Run dev daemon restart, or read \(layout.daemonLog)")
    }

    private func lost(_ number: Int32?) -> DevError {
        DevError(
            .daemonUnreachable, "The daemon went away before it answered", object: layout.controlSocket, cause: number.map(systemText),
            help: "Run the command again: a new daemon finishes or undoes what was begun. \(layout.daemonLog) has the old one's last words")
    }
}
