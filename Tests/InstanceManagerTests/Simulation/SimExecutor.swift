import Foundation

/// Chance that can be had again: SplitMix64.
struct SimRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// 0 ..< bound
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func between(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * Double(next() >> 11) / Double(1 << 53)
    }
}

/// Executor and clock in one: a ready queue from which the seed picks, and timers that fire when nothing is ready.
/// Everything happens on the thread that calls `run`, which is what makes `@unchecked` right; jobs from other threads
/// are counted, and a test expects none.
final class SimExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    private(set) var now = 0.0
    private(set) var jobs = 0
    private(set) var foreign = 0
    var random: SimRandom
    private var ready: [UnownedJob] = []
    /// Sorted, the next one last.
    private var timers: [(time: Double, number: Int, fire: () -> Void)] = []
    private var nextTimer = 0
    private let thread = pthread_self()

    init(seed: UInt64) { random = SimRandom(seed: seed) }

    func enqueue(_ job: consuming ExecutorJob) {
        if pthread_equal(thread, pthread_self()) == 0 { foreign += 1 }
        ready.append(UnownedJob(job))
    }

    func isSameExclusiveExecutionContext(other: SimExecutor) -> Bool { self === other }
    func checkIsolated() { precondition(pthread_equal(thread, pthread_self()) != 0) }

    /// - Returns: a number to cancel it by.
    @discardableResult
    func after(_ seconds: Double, _ fire: @escaping () -> Void) -> Int {
        let time = now + max(0, seconds)
        nextTimer += 1
        var low = 0
        var high = timers.count
        // Later ones first; of one instant, the younger first, so that the older fires first from the end.
        while low < high {
            let middle = (low + high) / 2
            if timers[middle].time > time { low = middle + 1 } else { high = middle }
        }
        timers.insert((time, nextTimer, fire), at: low)
        return nextTimer
    }

    func cancel(_ number: Int) { timers.removeAll { $0.number == number } }

    /// The clock goes on by itself, as after a sleep of the machine.
    func jump(_ seconds: Double) { now += seconds }

    /// Runs until nothing is ready and no timer is set.
    /// - Returns: false when it did not come to rest within so many jobs.
    func run(limit: Int = 200_000) -> Bool {
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        while jobs < limit {
            if ready.isEmpty {
                guard let next = timers.last else { return true }
                now = max(now, next.time)
                // All timers of one instant are released before a job runs: else the order would not replay.
                while let timer = timers.last, timer.time <= now {
                    timers.removeLast()
                    timer.fire()
                }
                continue
            }
            let index = ready.count == 1 ? 0 : random.below(ready.count)
            let job = ready[index]
            ready[index] = ready[ready.count - 1]
            ready.removeLast()
            jobs += 1
            job.runSynchronously(isolatedTo: serial, taskExecutor: task)
        }
        return false
    }

    /// Virtual sleep, cancellable.
    func sleep(_ seconds: Double) async throws {
        let pause = SimPause()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                guard !pause.cancelled else { return continuation.resume(throwing: CancellationError()) }
                pause.continuation = continuation
                pause.timer = after(seconds) {
                    pause.continuation = nil
                    continuation.resume()
                }
            }
        } onCancel: {
            pause.cancelled = true
            guard let continuation = pause.continuation else { return }
            pause.continuation = nil
            cancel(pause.timer)
            continuation.resume(throwing: CancellationError())
        }
    }
}

/// One sleep. On the simulation's thread only.
final class SimPause: @unchecked Sendable {
    var continuation: CheckedContinuation<Void, any Error>?
    var timer = 0
    var cancelled = false
}
