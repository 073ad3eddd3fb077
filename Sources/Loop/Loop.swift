public import Basics
internal import CUV
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// One event loop thread over libuv that is a Swift executor (design §3).
///
/// A turn: timers, then ready jobs (in a prepare handle), then poll. Jobs of other threads arrive by one
/// `uv_async_send` per idle spell. Nothing runs periodically: an idle loop makes no wake-ups.
///
/// Handles may be made on the loop's thread, or before `run` on the thread that made the loop.
public final class Loop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// Jobs run before the next look at the descriptors, so that I/O is not starved.
    static let jobsPerTurn = 64

    // Confined to the loop's thread (before `run`, to the thread that made the loop).
    let uv = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    /// Where every read of every socket lands first: idle connections cost no buffers.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 4096)
    /// Timers of finished sleeps, to be used again.
    var spareTimers: [TimerCore] = []
    var spareWatches = SpareWatches()
    private(set) var isStopping = false
    /// In memory of its own: a property would be checked for exclusive access several times a turn.
    private let ready = UnsafeMutablePointer<JobQueue>.allocate(capacity: 1)
    private var nextTurn: [UnsafeContinuation<Void, Never>] = []
    private var idleStarted = false
    /// `mustWake` may be false.
    private var hasTaken = false
    private let prepare = UnsafeMutablePointer<uv_prepare_t>.allocate(capacity: 1)
    private let idle = UnsafeMutablePointer<uv_idle_t>.allocate(capacity: 1)
    private let async = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)

    // Protected by `lock`.
    private let lock = Lock()
    private var remoteJobs: [UnownedJob] = []
    private var remoteCalls: [@Sendable () -> Void] = []
    /// The loop will poll without looking at the two above again: who adds to them must wake it.
    private var mustWake = true
    private var stopRequested = false
    private var hasEnded = false

    /// Set under `lock` with what it protects, so that a turn without news from other threads takes no lock.
    private let hasNews = Atomic<Bool>(false)

    /// The running thread, 0 when there is none.
    private let thread = Atomic<UInt>(0)

    /// - Throws: `DevError` `descriptor-limit` or `system` when the kernel gives no loop.
    public init() throws(DevError) {
        ready.initialize(to: JobQueue())
        var status = uv_loop_init(uv)
        if status == 0 {
            status = uv_async_init(uv, async) { _ in }
            if status != 0 { uv_loop_close(uv) }
        }
        guard status == 0 else {
            hasEnded = true  // `deinit` runs all the same
            throw posixError("uv_loop_init", object: "the event loop", errno: status)
        }
        uv_prepare_init(uv, prepare)
        uv_idle_init(uv, idle)
        prepare.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_prepare_start(prepare) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<Loop>.fromOpaque(data).takeUnretainedValue().runReady()
        }
    }

    deinit {
        if !hasEnded {
            // Never run, and nobody is left who could.
            remoteJobs = []
            remoteCalls = []
            end()
        }
        scratch.deallocate()
        ready.deinitialize(count: 1)
        ready.deallocate()
        prepare.deallocate()
        idle.deallocate()
        async.deallocate()
        uv.deallocate()
    }

    /// Runs on the calling thread until `stop()`, once; returns after all handles are closed. Then waits that can
    /// throw have thrown `cancelled`, blocking work has ended, and what else waits (a child's exit) stays suspended:
    /// owners shut down in order before they stop the loop.
    public func run() {
        precondition(!hasEnded && thread.load(ordering: .relaxed) == 0, "a loop runs once")
        thread.store(Loop.currentThread, ordering: .releasing)
        uv_run(uv, UV_RUN_DEFAULT)
        end()
        thread.store(0, ordering: .releasing)
    }

    /// From any thread; the loop ends its turn, `run` returns.
    public func stop() {
        lock.withLock {
            stopRequested = true
            hasNews.store(true, ordering: .releasing)
            if !hasEnded { uv_async_send(async) }
        }
    }

    /// Whether the calling thread is the loop's.
    @inline(__always)
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == Loop.currentThread }

    @inline(__always)
    private static var currentThread: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            pthread_self()
        #endif
    }

    // MARK: Executor

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.pointee.append(job)
        } else {
            lock.withLock {
                guard !hasEnded else { return }  // its task stays suspended
                remoteJobs.append(job)
                wakeLocked()
            }
        }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func checkIsolated() { precondition(isCurrent, "not on the loop's thread") }

    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Starts a task that prefers this loop (the one way tasks are started in the daemon).
    @discardableResult
    public func task<T: Sendable>(
        _ body: sending @escaping @isolated(any) () async -> T
    ) -> Task<T, Never> { Task(executorPreference: self, operation: body) }

    /// Runs the body on the loop: now when this is its thread, else in its next turn.
    /// - Returns: false when the loop has ended; the body is then dropped.
    @discardableResult
    public func perform(_ body: @escaping @Sendable () -> Void) -> Bool {
        if isCurrent {
            body()
            return true
        }
        return lock.withLock {
            guard !hasEnded else { return false }
            remoteCalls.append(body)
            wakeLocked()
            return true
        }
    }

    /// Resumes after the loop has looked at its descriptors: what would go on without ever waiting calls it now and then.
    public func turn() async {
        precondition(isCurrent, "not on the loop's thread")
        await withUnsafeContinuation { nextTurn.append($0) }
    }

    /// The loop's clock: monotonic; `sleep` is a uv timer, cancellable; no wake-up but the deadline.
    public var clock: LoopClock { LoopClock(loop: self) }

    // MARK: A turn

    /// Under `lock`, because after its end the handle is gone.
    private func wakeLocked() {
        hasNews.store(true, ordering: .releasing)
        guard mustWake else { return }
        mustWake = false
        uv_async_send(async)
    }

    private func runReady() {
        takeRemote()
        if !nextTurn.isEmpty {
            let waiting = nextTurn
            nextTurn.removeAll(keepingCapacity: true)
            for continuation in waiting { continuation.resume() }
        }
        let executor = asUnownedSerialExecutor()
        let preference = asUnownedTaskExecutor()
        var budget = Loop.jobsPerTurn
        while budget > 0, let job = ready.pointee.popFirst() {
            job.runSynchronously(isolatedTo: executor, taskExecutor: preference)
            budget -= 1
        }
        setIdle(!ready.pointee.isEmpty || !nextTurn.isEmpty || !mayPoll())
    }

    private func takeRemote() {
        // Who adds something now wakes the loop: `mustWake` is still what `mayPoll` has made it.
        guard hasNews.load(ordering: .acquiring) else { return }
        lock.lock()
        hasNews.store(false, ordering: .relaxed)
        hasTaken = true
        mustWake = false
        let calls = remoteCalls
        if !calls.isEmpty { remoteCalls.removeAll() }
        for job in remoteJobs { ready.pointee.append(job) }
        remoteJobs.removeAll(keepingCapacity: remoteJobs.count < 1024)
        let stop = stopRequested
        lock.unlock()
        if stop, !isStopping { uv_stop(uv) }
        for call in calls { call() }
    }

    /// From a true answer on, who adds work from outside wakes the loop.
    private func mayPoll() -> Bool {
        if !hasTaken { return true }
        return lock.withLock {
            mustWake = remoteJobs.isEmpty && remoteCalls.isEmpty
            hasTaken = !mustWake
            return mustWake
        }
    }

    /// A started idle handle keeps poll from blocking.
    private func setIdle(_ wanted: Bool) {
        guard wanted != idleStarted else { return }
        idleStarted = wanted
        if wanted { uv_idle_start(idle) { _ in } } else { uv_idle_stop(idle) }
    }

    // MARK: The end

    private func end() {
        isStopping = true
        // Here and not at the end, because pooled timers are handles too.
        spareTimers.removeAll()
        spareWatches.close()
        uv_walk(
            uv,
            { handle, _ in
                guard let handle, uv_is_closing(handle) == 0, uv_handle_get_type(handle) != UV_ASYNC,
                    uv_handle_get_type(handle) != UV_PREPARE, uv_handle_get_type(handle) != UV_IDLE,
                    let data = handle.pointee.data
                else { return }
                Unmanaged<HandleCore>.fromOpaque(data).takeUnretainedValue().loopEnded()
            }, nil)
        // Only others' handles and blocking work keep the loop from its end now.
        for handle in ownHandles { uv_unref(handle) }
        drain()
        lock.withLock { hasEnded = true }
        // What other threads handed over just before that.
        drain()
        for handle in ownHandles { uv_close(handle, nil) }
        uv_run(uv, UV_RUN_DEFAULT)
        let status = uv_loop_close(uv)
        assert(status == 0, "a handle outlived its loop")
    }

    /// Tasks that were told run to their next wait; one that never waits must not hold the end up.
    private func drain() {
        var budget = 1000
        while budget > 0 {
            if uv_loop_alive(uv) != 0 {
                uv_run(uv, UV_RUN_ONCE)
                continue
            }
            runReady()
            budget -= 1
            if ready.pointee.isEmpty, nextTurn.isEmpty, uv_loop_alive(uv) == 0, mayPoll() { return }
        }
    }

    private var ownHandles: [UnsafeMutablePointer<uv_handle_t>] {
        [UnsafeMutableRawPointer(prepare), UnsafeMutableRawPointer(idle), UnsafeMutableRawPointer(async)].map {
            $0.assumingMemoryBound(to: uv_handle_t.self)
        }
    }
}
