internal import CPosix
internal import Loop

/// Gives memory back when nothing has been going on for a moment: a daemon that waits for the next client is to cost little.
/// One timer, after the last stir only. Confined to the loop.
final class Calm {
    private static let pause: Duration = .milliseconds(500)
    private let timer: TimerHandle

    init(loop: Loop) { timer = TimerHandle(loop: loop) }

    /// Something was done.
    func stir() { timer.start(after: Self.pause) { devdb_release_memory() } }

    func close() { timer.close() }
}
