internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A program that is listened to while it runs, on a terminal of its own or through pipes:
///
///     let psql = try Conversation("psql", [url])
///     try await psql.hear("postgres=# ")
///     psql.say("select 1;\n")
///
/// Killed when the object goes before `end`.
public final class Conversation: @unchecked Sendable {
    // `heard` and `isOver` are protected by `lock`, and only one call of `hear` or `end` is under way at a time.
    private let lock = NSLock()
    private var heard: [UInt8] = []
    private var isOver = false
    public let pid: Int32
    private let input: Int32
    private let output: Int32

    /// - Parameter onTerminal: else standard output and error come through one pipe.
    public init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], onTerminal: Bool = true
    ) throws {
        let words = [executable] + arguments
        if onTerminal {
            let terminal = try Terminal()
            defer { close(terminal.program) }
            pid = try spawn(words, environment: ["TERM": "xterm"].merging(environment) { $1 }, .terminal(terminal.path))
            (input, output) = (terminal.ours, terminal.ours)
        } else {
            let (toProgram, fromProgram) = (try pipeEnds(), try pipeEnds())
            defer {
                close(toProgram.read)
                close(fromProgram.write)
            }
            pid = try spawn(
                words, environment: environment,
                .descriptors(input: toProgram.read, output: fromProgram.write, errors: fromProgram.write))
            (input, output) = (toProgram.write, fromProgram.read)
        }
    }

    deinit {
        if !isOver {
            kill(pid, SIGKILL)
            _ = reap(pid, seconds: 5)
        }
        close(input)
        if output != input { close(output) }
    }

    /// Ctrl-C as the terminal's keyboard gives it.
    public static let interrupt = "\u{3}"

    public func say(_ text: String) { text.utf8.withContiguousStorageIfAvailable { _ = write(input, $0.baseAddress, $0.count) } }

    /// Waits until it has said `text` (again, if this was heard before). - Returns: all from the last such place on.
    @discardableResult
    public func hear(_ text: String, seconds: Double = 30) async throws -> String {
        try await onOwnThread {
            let deadline = Deadline(seconds)
            while true {
                if let found = self.take(upTo: text) { return found }
                guard deadline.poll(self.output) else { throw TestFailure("\"\(text)\" was not said; but: \(self.rest)") }
                guard self.listen() else { throw TestFailure("it ended without \"\(text)\": \(self.rest)") }
            }
        }
    }

    /// Waits for its end. - Returns: how it ended (see `CommandResult`), and what it said that was not heard yet.
    public func end(seconds: Double = 30) async throws -> CommandResult {
        try await onOwnThread {
            let deadline = Deadline(seconds)
            var isOpen = true
            while isOpen, deadline.poll(self.output) { isOpen = self.listen() }
            let status = reap(self.pid, seconds: max(0, Double(deadline.left) / 1000))
            self.lock.withLock { self.isOver = true }
            return CommandResult(status: status, output: self.rest, errors: "")
        }
    }

    private var rest: String { lock.withLock { String(decoding: heard, as: UTF8.self) } }

    /// - Returns: false at the end; a terminal says that with an error.
    private func listen() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(output, &bytes, bytes.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        lock.withLock { heard += bytes[..<count] }
        return true
    }

    private func take(upTo text: String) -> String? {
        lock.withLock {
            guard let range = String(decoding: heard, as: UTF8.self).range(of: text) else { return nil }
            let all = String(decoding: heard, as: UTF8.self)
            heard = Array(all[range.upperBound...].utf8)
            return String(all[..<range.upperBound])
        }
    }
}

/// A pair of terminal ends, close-on-exec.
private struct Terminal {
    let ours: Int32
    let program: Int32
    let path: String

    init() throws {
        var ours: Int32 = -1
        var program: Int32 = -1
        var size = winsize(ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&ours, &program, nil, nil, &size) == 0 else { throw TestFailure("openpty: \(errorText(errno))") }
        guard let name = ttyname(program) else { throw TestFailure("ttyname: \(errorText(errno))") }
        for end in [ours, program] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (self.ours, self.program, path) = (ours, program, String(cString: name))
    }
}
