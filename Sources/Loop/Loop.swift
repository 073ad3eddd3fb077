public import Basics

/// One event loop thread over libuv that is a Swift executor (design §3). STUB: signatures to code against.
public final class Loop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// - Throws: `DevError` `system` when the kernel gives no loop (descriptor limit).
    public init() throws(DevError) {}

    /// Runs on the calling thread until `stop()`; returns after all handles are closed.
    public func run() {}
    /// From any thread; the loop ends its turn, `run` returns.
    public func stop() {}
    /// Whether the calling thread is the loop's.
    public var isCurrent: Bool { fatalError() }

    public func enqueue(_ job: consuming ExecutorJob) {}

    /// Starts a task that prefers this loop (the one way tasks are started in the daemon).
    @discardableResult
    public func task<T: Sendable>(
        _ body: sending @escaping @isolated(any) () async -> T
    ) -> Task<T, Never> { Task(executorPreference: self, operation: body) }

    /// Runs what blocks (fsync, clone, SQLite) on libuv's threads and resumes on the loop.
    public func blocking<T: Sendable>(_ work: @escaping @Sendable () throws(DevError) -> T) async throws(DevError) -> T {
        fatalError()
    }

    /// The loop's clock: monotonic; `sleep` is a uv timer, cancellable; no wake-up but the deadline.
    public var clock: LoopClock { LoopClock(loop: self) }
}

/// `Clock` over the loop's timers, with `ContinuousClock`'s instants (they go on while the machine sleeps).
public struct LoopClock: Clock {
    public typealias Instant = ContinuousClock.Instant
    let loop: Loop
    public var now: Instant { ContinuousClock().now }
    public var minimumResolution: Duration { .milliseconds(1) }
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws { fatalError() }
}
