internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What a program said and how it ended.
public struct CommandResult: Sendable {
    /// Exit code, or 128 and the signal's number.
    public var status: Int32
    public var output: String
    public var errors: String
}

public struct TestFailure: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// Runs what blocks on a thread of its own: the pool of Swift's tasks is as wide as the machine, and two tests that
/// block it hold up all others.
public func onOwnThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

public enum Command {
    /// - Parameters:
    ///   - arguments: without argv[0].
    ///   - environment: added to ours.
    ///   - asPostgres: as the user `postgres` when we are root (servers refuse to run as root).
    ///   - seconds: after so long it is killed.
    public static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "",
        asPostgres: Bool = false, seconds: Int = 60
    ) async throws -> CommandResult {
        try await onOwnThread {
            let child = try Child.start(executable, arguments, environment: environment, asPostgres: asPostgres)
            child.write(input)
            return child.wait(seconds: seconds)
        }
    }
}

/// A running program, for tests that do something to it meanwhile.
public final class Child: Sendable {
    public let pid: Int32
    private let input: Int32
    private let output: Int32
    private let errors: Int32

    private init(pid: Int32, input: Int32, output: Int32, errors: Int32) {
        self.pid = pid
        self.input = input
        self.output = output
        self.errors = errors
    }

    public static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], asPostgres: Bool = false
    ) throws -> Child {
        var words = [executable] + arguments
        if asPostgres, getuid() == 0 {
            words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] + words
        }
        let input = try pipeEnds()
        // Files, not pipes: a program that says much must not wait for us.
        let output = try OutputFile.make()
        let errors = try OutputFile.make()
        defer { close(input.read) }
        let pid = try spawn(words, environment: environment, .descriptors(input: input.read, output: output, errors: errors))
        return Child(pid: pid, input: input.write, output: output, errors: errors)
    }

    /// Writes to its standard input; short text (a pipe's size), or the program reads it.
    public func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { writeOnce(input, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Writes and closes its standard input. Only once.
    public func write(_ text: String) {
        send(text)
        close(input)
    }

    public func signal(_ number: Int32) { kill(pid, number) }

    /// Blocks: call it on a thread of its own. Only once.
    public func wait(seconds: Int = 60) -> CommandResult {
        let status = reap(pid, seconds: Double(seconds))
        return CommandResult(status: status, output: OutputFile.contents(output), errors: OutputFile.contents(errors))
    }
}

/// Inside `Child` the name is taken.
private func writeOnce(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }

func pipeEnds() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw TestFailure("pipe: \(errorText(errno))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
}

private enum OutputFile {
    /// An unnamed file.
    static func make() throws -> Int32 {
        var name = Array("/tmp/devdb-test-output-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw TestFailure("mkstemp: \(errno)") }
        unlink(name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    static func contents(_ descriptor: Int32) -> String {
        defer { close(descriptor) }
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}
