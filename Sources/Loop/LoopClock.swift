/// `Clock` over the loop's timers, with `ContinuousClock`'s instants, so that owners can be generic over
/// `Clock where Instant == ContinuousClock.Instant`. The timers stand still while the machine sleeps: a deadline that
/// passes meanwhile comes late by as much.
public struct LoopClock: Clock {
    public typealias Instant = ContinuousClock.Instant
    let loop: Loop
    public var now: Instant { ContinuousClock().now }
    public var minimumResolution: Duration { .milliseconds(1) }

    /// From any thread; resumes at once for a past deadline.
    /// - Throws: `CancellationError`, also when the loop stops.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try Task.checkCancellation()
        guard deadline > now else { return }
        let loop = loop
        let sleep = Sleep(loop: loop, deadline: deadline)
        let reached = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if !loop.perform({ sleep.start(continuation) }) { continuation.resume(returning: false) }
            }
        } onCancel: {
            loop.perform { sleep.cancel() }
        }
        if !reached { throw CancellationError() }
    }
}

/// One sleeping task. `@unchecked Sendable`: after `init` confined to the loop's thread.
private final class Sleep: @unchecked Sendable {
    private let loop: Loop
    private let deadline: ContinuousClock.Instant
    private var timer: TimerCore?
    private var continuation: UnsafeContinuation<Bool, Never>?
    private var isCancelled = false

    init(loop: Loop, deadline: ContinuousClock.Instant) {
        self.loop = loop
        self.deadline = deadline
    }

    func start(_ continuation: UnsafeContinuation<Bool, Never>) {
        guard !isCancelled, !loop.isStopping else {
            continuation.resume(returning: false)
            return
        }
        self.continuation = continuation
        let timer = loop.spareTimers.popLast() ?? TimerCore(loop: loop)
        self.timer = timer
        timer.ended = { [self] in finish(false) }
        arm(timer)
    }

    private func arm(_ timer: TimerCore) {
        let rest = deadline - ContinuousClock().now
        timer.start(after: rest) { [self] in
            // The two clocks may differ by a tick.
            if deadline > ContinuousClock().now { arm(timer) } else { finish(true) }
        }
    }

    func cancel() {
        isCancelled = true
        finish(false)
    }

    private func finish(_ reached: Bool) {
        guard let timer else { return }
        self.timer = nil
        timer.stop()
        timer.ended = nil
        if loop.spareTimers.count < 64, !loop.isStopping { loop.spareTimers.append(timer) } else { timer.close() }
        continuation?.resume(returning: reached)
        continuation = nil
    }
}
