internal import CPosix
internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Waiting for what other processes do, by the kernel's events and with a bound. All of it blocks: call it `onOwnThread`.
public enum Wait {
    /// Until a process has ended with its last thread, so that its sockets and locks are free; whoever's child it is, and
    /// whether or not it has been waited for.
    public static func end(of pid: Int32, seconds: Double = 20) throws {
        let descriptor = ending(pid)
        guard descriptor >= 0 else {
            if errno == ESRCH { return }
            throw TestFailure("pid \(pid) can't be watched: \(errorText(errno))")
        }
        defer { close(descriptor) }
        guard Deadline(seconds).poll(descriptor) else { throw TestFailure("pid \(pid) lives on after \(seconds) seconds") }
    }

    /// Until something is so of files in these folders; looks again at each change in one of them.
    public static func files(
        _ what: String, in folders: [String], seconds: Double = 20, _ condition: () throws -> Bool
    ) throws {
        let changes = try FolderChanges(folders)
        let deadline = Deadline(seconds)
        while !(try condition()) {
            guard changes.wait(deadline) else { throw TestFailure("within \(seconds) seconds not true: \(what)") }
        }
    }

    /// Until something is so that no event tells: another process's table in the kernel (/proc) or its own memory, asked for
    /// by a command. The only wait of the tests that looks again and again, every 10 ms; for everything else there are events.
    public static func polling(_ what: String, seconds: Double = 20, _ condition: () throws -> Bool) throws {
        let deadline = Deadline(seconds)
        while !(try condition()) {
            guard deadline.left > 0 else { throw TestFailure("within \(seconds) seconds not true: \(what)") }
            _ = poll(nil, 0, 10)
        }
    }

    /// A descriptor that can be read when the process has ended; -1 with errno.
    private static func ending(_ pid: Int32) -> Int32 {
        #if canImport(Darwin)
            let queue = kqueue()
            guard queue >= 0 else { return -1 }
            var change = kevent(
                ident: UInt(pid), filter: Int16(EVFILT_PROC), flags: UInt16(EV_ADD | EV_ONESHOT), fflags: NOTE_EXIT, data: 0, udata: nil)
            guard kevent(queue, &change, 1, nil, 0, nil) == 0 else {
                let number = errno
                close(queue)
                errno = number
                return -1
            }
            return queue
        #else
            return devdb_pidfd_open(pid)
        #endif
    }
}

func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }

/// When a wait is over, on a clock that is never set.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ seconds: Double) { end = .now + .seconds(seconds) }

    /// Milliseconds, rounded up; 0 when it has passed.
    var left: Int32 {
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { return 0 }
        return Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
    }

    /// - Returns: false when the descriptor can't be read by then.
    func poll(_ descriptor: Int32) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = pollOnce(&waited, left)
            if ready > 0 { return true }
            if ready == 0, left == 0 { return false }
            if ready < 0, errno != EINTR { return false }
        }
    }
}

/// Inside `Deadline` the name is taken.
private func pollOnce(_ waited: inout pollfd, _ milliseconds: Int32) -> Int32 { poll(&waited, 1, milliseconds) }
