import Basics
import Registry

@testable import InstanceManager

/// One random life of an instance: clients, people, faults and deaths of the daemon, then calm, stop and removal.
/// On the simulation's thread only.
final class SimSchedule: @unchecked Sendable {
    let executor: SimExecutor
    let world: SimWorld
    private var effects: SimEffects
    private var owner: InstanceOwner
    /// Calls that have not been answered yet.
    private var open: Set<Int> = []
    private var calls = 0

    private static let record: InstanceRecord = {
        guard let name = try? InstanceName("sim") else { fatalError("a name") }
        return InstanceRecord(
            id: "00000001", name: name, pgVersion: "15.1", pgBin: "/pg", idle: .seconds(20), password: Secret("p"), createdAt: 0)
    }()

    init(seed: UInt64) {
        executor = SimExecutor(seed: seed)
        var record = SimSchedule.record
        if executor.random.chance(20) { record.idle = .never }
        world = SimWorld(executor: executor, record: record)
        effects = SimEffects(world: world)
        owner = SimSchedule.makeOwner(record, .stopped, effects, executor)
    }

    private static func makeOwner(
        _ record: InstanceRecord, _ state: InstanceMachine.State, _ effects: SimEffects, _ executor: SimExecutor
    ) -> InstanceOwner {
        InstanceOwner(
            record: record, state: state, effects: effects, executor: executor,
            time: TimeSource(
                monotonic: { executor.now }, wall: { executor.now }, sleep: { seconds throws in try await executor.sleep(seconds) }),
            log: SimWorld.isTraced ? Log(level: .debug) { _, line in print(executor.now, line) } : .none)
    }

    /// - Returns: what went wrong; empty = nothing.
    func run() -> [String] {
        var time = 0.0
        let events = 6 + executor.random.below(14)
        for _ in 0..<events {
            // Mostly close together, where races are; sometimes far apart, where deadlines are.
            time += executor.random.chance(70) ? executor.random.between(0, 0.1) : executor.random.between(0, 30)
            let kind = executor.random.below(100)
            executor.after(time) { self.event(kind) }
        }
        executor.after(time + 1) { self.end() }
        if !executor.run() { world.violated("no rest after \(executor.jobs) jobs, now \(executor.now)") }
        if !open.isEmpty { world.violated("\(open.count) of \(calls) callers forgotten") }
        if executor.foreign > 0 { world.violated("\(executor.foreign) jobs from other threads") }
        if world.record != nil { world.violated("not removed at the end") }
        if world.living != nil { world.violated("a server left over") }
        if !world.intents.isEmpty { world.violated("intents left: \(world.intents.values.map(\.rawValue).sorted())") }
        return world.violations
    }

    private func task(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: executor, operation: body)
    }

    private func event(_ kind: Int) {
        guard world.record != nil else { return }
        world.note("event \(kind)")
        let owner = owner
        switch kind {
        case ..<45: client(patient: executor.random.chance(80))
        case ..<52: call { _ = try await owner.stop() }
        case ..<56: call { _ = try await owner.remove() }
        case ..<62:
            _ = task {
                self.world.freshBudget()
                await owner.repair()
            }
        case ..<72: if let process = world.living { world.end(process, clean: false) }
        case ..<75: if let process = world.living { world.end(process, clean: true) }
        case ..<80: world.crashBackend()
        case ..<84:
            world.cause += 1
            // Whoever comes next has one more try, with a new budget.
            world.freshBudget()
        case ..<87: executor.jump(executor.random.between(1, 4000))
        case ..<92: _ = task { await owner.sessionChanged(began: true) }
        case ..<94: _ = task { _ = try? await owner.configure { $0.idle = .seconds(5) } }
        default: killDaemon()
        }
    }

    private func client(patient: Bool) {
        let owner = owner
        let before = world.spawns
        let task = call {
            let endpoint = try await owner.awake()
            let known = self.world.processes.contains { endpoint.socketPath == "/run/\($0.pid)" }
            if !known || before > self.world.spawns { self.world.violated("an endpoint of nobody's") }
        }
        if !patient { executor.after(executor.random.between(0, 0.2)) { task.cancel() } }
    }

    @discardableResult
    private func call(_ body: @escaping @Sendable () async throws -> Void) -> Task<Void, Never> {
        calls += 1
        let number = calls
        open.insert(number)
        return task {
            try? await body()
            self.open.remove(number)
        }
    }

    /// kill -9 of the daemon and its next start, as `InstanceManager.start` does it.
    private func killDaemon() {
        effects.die()
        let old = owner
        _ = task { await old.close() }
        guard var record = world.record else { return }
        effects = SimEffects(world: world)
        world.freshBudget()
        let kinds = world.intents.values
        if kinds.contains(.remove) {
            // Finished by the next daemon.
            world.record = nil
            world.intents = [:]
            owner = SimSchedule.makeOwner(record, .absent, effects, executor)
            return
        }
        let beginning = Beginning.of(record, lives: world.living != nil, intents: kinds.sorted { $0.rawValue < $1.rawValue })
        record.verifierFresh = beginning.verifierFresh
        owner = SimSchedule.makeOwner(record, beginning.state, effects, executor)
        let stop = beginning.stopping ? world.intents.first { $0.value == .stop } : nil
        world.intents = stop.map { [$0.key: $0.value] } ?? [:]
        world.record = record
        if let process = world.living {
            let (owner, server) = (owner, effects.adopt(process))
            _ = task { await owner.adopt(server, stopping: stop?.key) }
        }
    }

    /// Nothing fails any more: one more client is served, then it is stopped and removed.
    private func end() {
        world.calm = true
        world.freshBudget()
        guard world.record != nil else { return }
        call {
            let owner = self.owner
            // A removal or a stop from before may come first; then there is nobody to serve.
            await owner.repair()
            do {
                _ = try await owner.awake()
            } catch let error as DevError {
                if ![.notFound, .cancelled, .timedOut, .startFailed].contains(error.code) {
                    self.world.violated("calm, and yet: \(error)")
                }
            }
            for _ in 0..<4 where self.world.record != nil {
                _ = try? await owner.stop()
                _ = try? await owner.remove()
                try? await self.executor.sleep(200)
            }
        }
    }
}
