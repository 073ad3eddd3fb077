internal import Basics
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Tethers of clients that are on their way to a server, and of sessions that have just begun. Many sessions end within a
/// moment (a connection per query); for those the loop neither watches nor wakes: they are looked at together, when the
/// next one comes or after a moment, and whoever lives then is watched. Confined to the loop.
final class RestingTethers {
    /// How late it may be noticed that a server has taken a client or refuses it: until then the end of a backend that was
    /// killed does not reach the client, whose socket we hold as well.
    static let soon = Duration.milliseconds(20)
    /// How late the end of a short session may be noticed.
    static let moment = Duration.milliseconds(250)
    static let many = 32

    private let timer: TimerHandle
    private var tethers: [Tether] = []

    init(loop: Loop) { timer = TimerHandle(loop: loop) }

    func add(_ tether: Tether) {
        look()
        // Sessions that last, or a server with too much to do: nothing is won by looking at them again and again.
        if tethers.count >= Self.many { watch { _ in true } }
        tethers.append(tether)
        start()
    }

    private func start() {
        guard !tethers.isEmpty else { return }
        let isUnderWay = tethers.contains { !$0.isTaken }
        timer.start(after: isUnderWay ? Self.soon : Self.moment) { [unowned self] in
            look()
            watch { !isUnderWay || !$0.isTaken }
            start()
        }
    }

    private func watch(_ isDue: (Tether) -> Bool) {
        let due = tethers.filter(isDue)
        tethers.removeAll(where: isDue)
        for tether in due { tether.watch() }
    }

    /// Hears what each has to say; lets go of those whose session is over.
    private func look() {
        guard !tethers.isEmpty else { return }
        var polls = tethers.map { pollfd(fd: $0.link, events: Int16(POLLIN), revents: 0) }
        guard poll(&polls, nfds_t(polls.count), 0) > 0 else { return }
        for (tether, poll) in zip(tethers, polls) where poll.revents != 0 {
            // After a hang-up there is no more to come than what is here.
            repeat { tether.readable() } while poll.revents & Int16(POLLHUP) != 0 && tether.link >= 0
        }
        tethers.removeAll { $0.link < 0 }
    }

    func close() {
        timer.close()
        tethers = []
    }
}
