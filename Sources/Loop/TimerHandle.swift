internal import Basics
internal import CUV

/// A one-shot timer. Confined to its loop's thread.
public final class TimerHandle {
    private let core: TimerCore

    public init(loop: Loop) { core = TimerCore(loop: loop) }

    deinit { core.close() }

    /// Replaces an earlier start. Never early, up to 2 ms late on an idle loop; nothing happens on a stopping loop.
    public func start(after delay: Duration, _ body: @escaping () -> Void) { core.start(after: delay, body) }
    public func stop() { core.stop() }
    public func close() { core.closeNow() }
}

final class TimerCore: HandleCore, @unchecked Sendable {
    private var body: (() -> Void)?
    private var isClosed = false
    /// Called when the loop stops before the timer fires.
    var ended: (() -> Void)?

    func start(after delay: Duration, _ body: @escaping () -> Void) {
        guard !isClosed, !loop.isStopping else { return }
        if raw == nil {
            // uv_timer_init has no errors.
            try? open(UV_TIMER, "uv_timer_init", object: "timer") {
                uv_timer_init(loop.uv, $0.assumingMemoryBound(to: uv_timer_t.self))
            }
        }
        guard let timer = pointer(uv_timer_t.self) else { return }
        self.body = body
        // The loop's time is of the turn's beginning, and whole milliseconds.
        uv_update_time(loop.uv)
        uv_timer_start(
            timer,
            { timer in
                guard let data = timer?.pointee.data else { return }
                Unmanaged<TimerCore>.fromOpaque(data).takeUnretainedValue().fire()
            }, TimerCore.milliseconds(delay) + 1, 0)
    }

    private func fire() {
        let body = body
        self.body = nil
        body?()
    }

    func stop() {
        if let timer = pointer(uv_timer_t.self) { uv_timer_stop(timer) }
        body = nil
    }

    override func didClose() {
        isClosed = true
        body = nil
        let ended = ended
        self.ended = nil
        ended?()
    }

    /// Rounded up, 0 for what is negative, at most some 31 years.
    static func milliseconds(_ delay: Duration) -> UInt64 {
        let (seconds, attoseconds) = delay.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 1_000_000_000 else { return 1_000_000_000_000 }
        return UInt64(seconds) * 1000 + UInt64((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
