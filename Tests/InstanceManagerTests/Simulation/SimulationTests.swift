import Foundation
import Testing

@testable import InstanceManager

/// The owner under virtual time: 100,000 random schedules a run, each from a seed of its own.
/// `DEVDB_SIM_SCHEDULES` sets how many, `DEVDB_SIM_SEED` replays one seed (or begins from it, with a count).
@Suite struct SimulationTests {
    @Test func noScheduleBreaksAnInvariant() async throws {
        let environment = ProcessInfo.processInfo.environment
        let given = environment["DEVDB_SIM_SEED"].flatMap { UInt64($0) }
        let count = environment["DEVDB_SIM_SCHEDULES"].flatMap { Int($0) } ?? (given == nil ? 100_000 : 1)
        let first = given ?? UInt64.random(in: 0..<1 << 48)
        print("simulation: \(count) schedules from seed \(first); replay one with DEVDB_SIM_SEED=<seed>")
        let started = ContinuousClock.now
        let outcome = await onOwnThread { () -> (broken: [String], jobs: Int, spawns: Int) in
            var broken: [String] = []
            var (jobs, spawns) = (0, 0)
            for number in 0..<count {
                let seed = first &+ UInt64(number)
                let schedule = SimSchedule(seed: seed)
                let violations = schedule.run()
                jobs += schedule.executor.jobs
                spawns += schedule.world.spawns
                if !violations.isEmpty { broken.append("seed \(seed): " + violations.joined(separator: "; ")) }
                if broken.count == 5 { break }
            }
            return (broken, jobs, spawns)
        }
        print("simulation: \(outcome.jobs) jobs, \(outcome.spawns) servers, \(ContinuousClock.now - started)")
        #expect(outcome.broken.isEmpty, "\(outcome.broken.joined(separator: "\n"))")
        #expect(count < 100 || outcome.spawns > count / 2)
    }

    @Test func aSeedReplays() async {
        let same = await onOwnThread {
            (UInt64(0)..<200).allSatisfy { seed in
                let (one, two) = (SimSchedule(seed: seed), SimSchedule(seed: seed))
                return one.run() == two.run() && one.executor.jobs == two.executor.jobs && one.executor.now == two.executor.now
            }
        }
        #expect(same)
    }
}

/// A thread of its own: the simulation blocks for a minute, and the tests' pool is as wide as the cores.
func onOwnThread<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: work()) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}
