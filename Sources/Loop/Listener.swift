public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A listening socket; accept errors never end it (EMFILE: a spare descriptor is given up, the caller is closed,
/// and the spare taken back). Confined to its loop's thread.
public final class Listener {
    private let core: ListenerCore

    /// Owns the descriptor from here on, also when it throws.
    /// - Parameter accepted: gets each new non-blocking, close-on-exec descriptor and owns it.
    public convenience init(loop: Loop, descriptor: Int32, accepted: @escaping (Int32) -> Void) throws(DevError) {
        try self.init(loop: loop, descriptor: descriptor) { caller, _ in accepted(caller) }
    }

    /// - Parameter accepted: gets the caller's TCP port too, 0 on a Unix socket.
    public init(loop: Loop, descriptor: Int32, accepted: @escaping (Int32, UInt16) -> Void) throws(DevError) {
        core = ListenerCore(loop: loop, descriptor: descriptor)
        try core.start(accepted)
    }

    deinit { core.close() }

    /// Still this listener's.
    public var descriptor: Int32 { core.descriptor }

    /// Callers turned away because no descriptor was left.
    public var refused: Int { core.refused }

    /// Leaves callers in the queue of the system, until `resume`.
    public func pause() { core.setPaused(true) }
    public func resume() { core.setPaused(false) }

    /// Closes the descriptor too. The path of a Unix socket stays; the next `unix` replaces it.
    public func close() { core.closeNow() }
}

/// `@unchecked Sendable`: confined to the loop's thread; others only pass it to `Loop.perform`.
private final class ListenerCore: @unchecked Sendable {
    private let loop: Loop
    let descriptor: Int32
    private let poll: PollCore
    private let pause: TimerCore
    private var accepted: ((Int32, UInt16) -> Void)?
    /// Kept so that a caller can be accepted and closed when no other descriptor is left: a level-triggered
    /// listener would spin on one that stays in the queue.
    private var spare: Int32 = -1
    private(set) var refused = 0
    private var isPaused = false

    init(loop: Loop, descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
        poll = PollCore(loop: loop)
        pause = TimerCore(loop: loop)
    }

    func start(_ accepted: @escaping (Int32, UInt16) -> Void) throws(DevError) {
        do throws(DevError) { try poll.open(descriptor: descriptor) } catch {
            Loop.close(descriptor)
            throw error
        }
        self.accepted = accepted
        spare = ListenerCore.openSpare()
        let descriptor = descriptor
        // Also at the loop's end.
        poll.closed = { [self] in
            Loop.close(descriptor)
            if spare >= 0 { Loop.close(spare) }
            spare = -1
            self.accepted = nil
            pause.closeNow()
        }
        watch()
    }

    private func watch() {
        guard !isPaused else { return }
        poll.start(.readable) { [unowned self] _ in accept() }
    }

    func setPaused(_ paused: Bool) {
        guard accepted != nil, paused != isPaused else { return }
        isPaused = paused
        if paused { poll.stop() } else { watch() }
    }

    /// One a turn: to ask for another who is rarely there would cost as much as the turn that comes if there is one.
    private func accept() {
        var port: UInt16 = 0
        while true {
            let caller = devdb_accept(descriptor, &port)
            if caller >= 0 {
                guard let accepted else { return Loop.close(caller) }
                return accepted(caller, port)
            }
            switch errno {
            case EAGAIN: return
            case EINTR, ECONNABORTED, EPROTO, EPERM: continue  // this caller's affair
            case EMFILE, ENFILE:
                // Said also when nobody is in the queue.
                if !refuseOne() { rest() }
                return
            default:  // ENOBUFS, ENOMEM and what we do not know: the caller stays in the queue
                rest()
                return
            }
        }
    }

    /// - Returns: false when that is impossible too.
    private func refuseOne() -> Bool {
        if spare < 0 { spare = ListenerCore.openSpare() }
        guard spare >= 0 else { return false }
        Loop.close(spare)
        spare = -1
        var port: UInt16 = 0
        let caller = devdb_accept(descriptor, &port)
        let number = errno
        if caller >= 0 {
            Loop.close(caller)
            refused += 1
        }
        spare = ListenerCore.openSpare()
        return caller >= 0 || number == EAGAIN
    }

    /// Looks away for a moment instead of spinning.
    private func rest() {
        poll.stop()
        pause.start(after: .milliseconds(100)) { [unowned self] in if accepted != nil { watch() } }
    }

    private static func openSpare() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

    func close() { if loop.isCurrent { closeNow() } else { loop.perform { self.closeNow() } } }

    func closeNow() { poll.closeNow() }
}
