internal import Basics
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Tethers of sessions that have just begun. Many sessions end within a moment (a connection per query); for those the loop
/// neither watches nor wakes: they are looked at together, when there are many or after a moment, and whoever lives then
/// is watched. Confined to the loop's thread.
final class RestingTethers {
    /// How late the end of a short session may be noticed.
    static let moment = Duration.milliseconds(250)
    static let many = 32

    private let timer: TimerHandle
    private var tethers: [Tether] = []
    private var isArmed = false

    init(loop: Loop) { timer = TimerHandle(loop: loop) }

    func add(_ tether: Tether) {
        tethers.append(tether)
        if tethers.count >= Self.many {
            look()
            // Sessions that last: nothing is won by looking at them again and again.
            if tethers.count >= Self.many / 2 { watch() }
        }
        guard !isArmed, !tethers.isEmpty else { return }
        isArmed = true
        timer.start(after: Self.moment) { [unowned self] in
            isArmed = false
            look()
            watch()
        }
    }

    private func watch() {
        let rest = tethers
        tethers = []
        for tether in rest { tether.watch() }
    }

    /// Ends those whose session is over.
    private func look() {
        var polls = tethers.map { pollfd(fd: $0.link, events: Int16(POLLIN), revents: 0) }
        guard poll(&polls, nfds_t(polls.count), 0) > 0 else { return }
        let ended = zip(tethers, polls).filter { $1.revents != 0 }.map(\.0)
        tethers.removeAll { tether in ended.contains { $0 === tether } }
        for tether in ended { tether.readable() }
    }

    func close() {
        timer.close()
        tethers = []
    }
}
