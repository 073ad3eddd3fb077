internal import Basics
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A program run to its end, with what it printed.
struct CommandResult: Sendable {
    var status: ExitStatus
    var output: String
    var succeeded: Bool { status == .code(0) }
}

enum Command {
    /// Output goes to a file without a name, not a pipe: nobody has to read while the program runs. Cancellation kills the
    /// program with all that it has started: it leads a session, and so a process group, of its own.
    /// - Parameter time: how long it may take before it is killed; nil: for ever.
    static func run(
        loop: Loop, _ executable: String, _ arguments: [String], environment: [String: String], user: (uid: UInt32, gid: UInt32)? = nil,
        within time: Duration? = nil
    ) async throws(DevError) -> CommandResult {
        var template = Array("/tmp/devdb-output-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Paths.failure("Creating", "/tmp/devdb-output-XXXXXX") }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        defer { close(descriptor) }
        let child = try ChildProcess.spawn(
            loop: loop,
            ChildSpecification(
                executable: executable, arguments: arguments, environment: environment, output: descriptor, user: user))
        let pid = child.pid
        let timer = TimerHandle(loop: loop)
        // Until its end has been waited for below, the number is nobody else's.
        if let time { timer.start(after: time) { kill(-pid, SIGKILL) } }
        defer { timer.close() }
        let status = await withTaskCancellationHandler {
            await child.exit()
        } onCancel: {
            kill(-pid, SIGKILL)
        }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return CommandResult(status: status, output: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
    }
}
