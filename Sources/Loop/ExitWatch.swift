public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The end of a process that need not be our child (pidfd, kqueue NOTE_EXIT); the body runs once, also when the
/// process has already gone, and never inside `init`. Confined to its loop's thread.
public final class ExitWatch {
    private let core: Core

    /// - Throws: `DevError` `descriptor-limit` or `system`.
    public init(loop: Loop, pid: Int32, _ body: @escaping () -> Void) throws(DevError) {
        core = Core(loop: loop, body)
        try core.start(pid: pid)
    }

    deinit { core.close() }
    public func close() { core.closeNow() }

    /// `@unchecked Sendable`: confined to the loop's thread; others only pass it to `Loop.perform`.
    private final class Core: @unchecked Sendable {
        private let loop: Loop
        private var body: (() -> Void)?
        private var poll: PollCore?
        private var descriptor: Int32 = -1
        private var gone: TimerCore?

        init(loop: Loop, _ body: @escaping () -> Void) {
            self.loop = loop
            self.body = body
        }

        func start(pid: Int32) throws(DevError) {
            let object = "pid \(pid)"
            guard pid > 0 else { throw DevError(.internal, "No process has the \(object)", object: object) }
            descriptor = ExitWatch.open(pid: pid)
            guard descriptor >= 0 else {
                guard errno == ESRCH else { throw posixError(ExitWatch.call, object: object, errno: errno) }
                let timer = TimerCore(loop: loop)
                gone = timer
                timer.start(after: .zero) { [self] in fire() }
                return
            }
            let poll = PollCore(loop: loop)
            do throws(DevError) { try poll.open(descriptor: descriptor) } catch {
                Loop.close(descriptor)
                descriptor = -1
                throw error
            }
            self.poll = poll
            let descriptor = descriptor
            poll.closed = { Loop.close(descriptor) }
            poll.start(.readable) { [self] _ in fire() }
        }

        private func fire() {
            let body = body
            closeNow()
            body?()
        }

        func close() { if loop.isCurrent { closeNow() } else { loop.perform { self.closeNow() } } }

        func closeNow() {
            body = nil
            poll?.closeNow()
            poll = nil
            gone?.closeNow()
            gone = nil
        }
    }
}

#if canImport(Darwin)
    extension ExitWatch {
        static var call: String { "kevent" }

        /// A queue whose one event is the process's end; a queue is itself readable while it has one.
        static func open(pid: Int32) -> Int32 {
            let queue = kqueue()
            guard queue >= 0 else { return -1 }
            var change = kevent(
                ident: UInt(pid), filter: Int16(EVFILT_PROC), flags: UInt16(EV_ADD | EV_ONESHOT), fflags: NOTE_EXIT, data: 0,
                udata: nil)
            guard kevent(queue, &change, 1, nil, 0, nil) == 0 else {
                let number = errno
                Loop.close(queue)
                errno = number
                return -1
            }
            _ = fcntl(queue, F_SETFD, FD_CLOEXEC)
            return queue
        }
    }
#else
    extension ExitWatch {
        static var call: String { "pidfd_open" }
        static func open(pid: Int32) -> Int32 { devdb_pidfd_open(pid) }
    }
#endif
