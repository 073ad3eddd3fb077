public import Basics
internal import CPosix
internal import CUV

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

public enum ExitStatus: Sendable, Equatable {
    case code(Int32)
    case signal(Int32)
}

/// What to start: no shell, no inherited descriptors but 0, 1, 2, an own session, this environment and no other.
public struct ChildSpecification: Sendable {
    public var executable: String
    /// Without argv[0].
    public var arguments: [String]
    public var environment: [String: String]
    public var workingDirectory: String
    /// Opened append-only by the caller; the child's stdout and stderr. -1 is /dev/null.
    public var output: Int32
    /// The user to run as, when we are root.
    public var user: (uid: UInt32, gid: UInt32)?
    public init(
        executable: String, arguments: [String], environment: [String: String], workingDirectory: String = "/",
        output: Int32 = -1, user: (uid: UInt32, gid: UInt32)? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.output = output
        self.user = user
    }
}

/// A child of ours (uv_spawn): a session of its own, so that it outlives us, default signal dispositions, no
/// supplementary groups under another user. Never reaps others' children. Dropping it neither ends nor forgets the
/// child: it is reaped all the same while the loop runs. Confined to its loop's thread.
public final class ChildProcess {
    /// The name to use beside Swift Testing, which has an `ExitStatus` too.
    public typealias Status = ExitStatus

    public let pid: Int32
    private let core: ChildCore

    /// - Throws: `DevError` `system` with the executable as object.
    public static func spawn(loop: Loop, _ specification: ChildSpecification) throws(DevError) -> ChildProcess {
        let core = ChildCore(loop: loop)
        return ChildProcess(pid: try core.spawn(specification), core: core)
    }

    private init(pid: Int32, core: ChildCore) {
        self.pid = pid
        self.core = core
    }

    /// How it ended; nil while it runs.
    public var status: ExitStatus? { core.status }

    /// Resumes when the child has ended; cached, so that any number may wait, before or after. Not ended by
    /// cancellation nor by the loop's end, which says nothing about the child.
    public func exit() async -> ExitStatus {
        if let status = core.status { return status }
        return await withUnsafeContinuation { core.waiters.append($0) }
    }

    /// - Returns: nil when the child has not ended by then, or the task is cancelled.
    public func exit(within limit: Duration) async -> ExitStatus? {
        if let status = core.status { return status }
        let loop = core.loop
        let waiter = Waiter()
        let timer = TimerHandle(loop: loop)
        timer.start(after: limit) { waiter.resume(.cancelled) }
        let number = core.addLimited(waiter)
        _ = await waiter.wait(on: loop) {}
        timer.close()
        core.limited[number] = nil
        return core.status
    }

    /// - Returns: false when it has already gone.
    @discardableResult public func signal(_ number: Int32) -> Bool {
        // Until its end is known here it is a zombie at worst, so that its pid is nobody else's.
        core.status == nil && kill(pid, number) == 0
    }
}

private final class ChildCore: HandleCore, @unchecked Sendable {
    private(set) var status: ExitStatus?
    var waiters: [UnsafeContinuation<ExitStatus, Never>] = []
    var limited: [Int: Waiter] = [:]
    private var nextNumber = 0

    func addLimited(_ waiter: Waiter) -> Int {
        nextNumber += 1
        limited[nextNumber] = waiter
        return nextNumber
    }

    func spawn(_ specification: ChildSpecification) throws(DevError) -> Int32 {
        var arguments = ([specification.executable] + specification.arguments).map { strdup($0) }
        var environment = specification.environment.map { strdup("\($0.key)=\($0.value)") }
        arguments.append(nil)
        environment.append(nil)
        let executable = strdup(specification.executable)
        let folder = strdup(specification.workingDirectory)
        defer {
            for string in arguments + environment + [executable, folder] { free(string) }
        }

        var options = uv_process_options_t()
        options.flags = UV_PROCESS_DETACHED.rawValue
        options.file = UnsafePointer(executable)
        options.cwd = UnsafePointer(folder)
        if let user = specification.user {
            options.uid = user.uid
            options.gid = user.gid
            options.flags |= UV_PROCESS_SETUID.rawValue | UV_PROCESS_SETGID.rawValue
        }
        options.exit_cb = { process, code, signal in
            guard let data = process?.pointee.data else { return }
            Unmanaged<ChildCore>.fromOpaque(data).takeUnretainedValue()
                .ended(signal == 0 ? .code(Int32(truncatingIfNeeded: code)) : .signal(signal))
        }
        let output = uv_stdio_container_t(
            flags: specification.output < 0 ? UV_IGNORE : UV_INHERIT_FD, data: .init(fd: specification.output))
        var stdio = [uv_stdio_container_t(flags: UV_IGNORE, data: .init(fd: -1)), output, output]
        devdb_close_on_exec()

        var failure: Int32 = 0
        var pid: Int32 = 0
        arguments.withUnsafeMutableBufferPointer { arguments in
            environment.withUnsafeMutableBufferPointer { environment in
                stdio.withUnsafeMutableBufferPointer { stdio in
                    options.args = arguments.baseAddress
                    options.env = environment.baseAddress
                    options.stdio = stdio.baseAddress
                    options.stdio_count = 3
                    do throws(DevError) {
                        try open(UV_PROCESS, "uv_spawn", object: specification.executable) {
                            // A failed spawn leaves an initialized handle, which is closed below.
                            let process = $0.assumingMemoryBound(to: uv_process_t.self)
                            failure = uv_spawn(loop.uv, process, &options)
                            pid = process.pointee.pid
                            return 0
                        }
                    } catch { failure = UV_ECANCELED.rawValue }
                }
            }
        }
        guard failure == 0 else {
            closeNow()
            throw posixError("spawn", object: specification.executable, errno: failure)
        }
        return pid
    }

    private func ended(_ status: ExitStatus) {
        self.status = status
        closeNow()
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter.resume(returning: status) }
        for waiter in limited.values { waiter.resume(.ready) }
    }

    override func loopEnded() {
        closeNow()
        for waiter in limited.values { waiter.resume(.cancelled) }
    }
}
