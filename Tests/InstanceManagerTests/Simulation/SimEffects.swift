import Basics
import Registry

@testable import InstanceManager

/// What one daemon does to the world. After `die` nothing it does has an effect any more, and nothing waits for it.
/// On the simulation's thread only.
final class SimEffects: InstanceEffects, @unchecked Sendable {
    let world: SimWorld
    private var dead = false
    private var serial = 0
    private var causeAtLaunch: Int?

    init(world: SimWorld) { self.world = world }

    func die() {
        dead = true
        world.changed()
    }

    private struct Died: Error {}

    private func pause(_ low: Double = 0.0001, _ high: Double = 0.005) async {
        // Often at once, which is a schedule too, and costs no timer.
        if dead || world.executor.random.chance(40) { return }
        try? await world.executor.sleep(world.executor.random.between(low, high))
    }

    static func failure(_ text: String, permanent: Bool = false) -> ServerFailure {
        ServerFailure(error: DevError(.startFailed, text, object: "sim"), permanent: permanent)
    }

    func process(_ server: Server) -> SimWorld.Process? { world.processes.first { $0.pid == server.pid } }

    func adopt(_ process: SimWorld.Process) -> Server {
        serial += 1
        return Server(number: serial, pid: process.pid, adopted: true)
    }

    func launch(_ record: InstanceRecord) async throws(ServerFailure) -> Launch {
        await pause()
        guard !dead else { throw SimEffects.failure("died") }
        let intent = world.begin(.start)
        world.record = record
        await pause()
        guard !dead else { throw SimEffects.failure("died") }
        if let process = world.living {
            return Launch(server: adopt(process), intent: intent, pgBin: record.pgBin, pgVersion: record.pgVersion)
        }
        causeAtLaunch = world.cause
        world.noteLaunch()
        if !world.calm, world.executor.random.chance(3) {
            world.end(intent: intent)
            throw ServerFailure(error: DevError(.descriptors, "no descriptor", object: "sim"), permanent: false, isDaemons: true)
        }
        if !world.calm, world.executor.random.chance(6) {
            world.end(intent: intent)
            world.failures.append(world.executor.now)
            throw SimEffects.failure("no spawn", permanent: world.executor.random.chance(20))
        }
        let process = world.spawn()
        await pause()
        // Dead now: the server runs, the intent stays.
        guard !dead else { throw SimEffects.failure("died") }
        serial += 1
        return Launch(
            server: Server(number: serial, pid: process.pid, adopted: false), intent: intent, pgBin: record.pgBin,
            pgVersion: record.pgVersion)
    }

    func finishStart(_ intent: Int64) async {
        await pause()
        if !dead { world.end(intent: intent) }
    }

    func ending(of server: Server, _ record: InstanceRecord) async -> Ending {
        guard let process = process(server) else { return Ending(clean: false, failure: SimEffects.failure("unknown")) }
        while process.alive, !dead { await withCheckedContinuation { world.watchers.append($0) } }
        return Ending(clean: process.cleanExit, failure: SimEffects.failure("ended"))
    }

    func status(of server: Server, _ record: InstanceRecord, after previous: ServerStatus) async -> ServerStatus {
        guard let process = process(server) else { return .ended }
        while process.alive, !dead, process.status == previous || process.status == .starting {
            await withCheckedContinuation { world.watchers.append($0) }
        }
        await pause()
        return dead || !process.alive ? .ended : process.status
    }

    func beginStop(_ record: InstanceRecord) async -> Int64? {
        // Asked for from here on: an end while the registry writes is no failure either.
        if !dead { world.stopBegun = true }
        await pause()
        guard !dead else { return nil }
        return world.begin(.stop)
    }

    func loginSnapshot(of server: Server, checkpoint: Bool) async -> LoginSnapshot? {
        await pause(0.001, 0.05)
        guard !dead, let process = process(server), process.alive, case .ready = process.status else { return nil }
        return LoginSnapshot(verifier: Secret("v"), roles: ["postgres"])
    }

    func signal(_ server: Server, _ signal: InstanceMachine.Signal) async {
        guard !dead else { return }
        world.signal(server.pid, immediate: signal == .immediate)
    }

    func finishStop(_ intent: Int64?, _ record: InstanceRecord) async {
        await pause()
        guard !dead else { return }
        if record.verifierFresh, world.living != nil { world.violated("a verifier is called fresh while a server lives") }
        world.record = record
        if let intent { world.end(intent: intent) }
    }

    func abandonStop(_ intent: Int64) async { await finishStart(intent) }

    func use(of server: Server) async -> ServerUse {
        await pause()
        if world.calm { return .idle(seconds: 1000) }
        return switch world.executor.random.below(4) {
        case 0: .inUse
        case 1: .unknown
        case 2: .idle(seconds: nil)
        default: .idle(seconds: world.executor.random.between(0, 100))
        }
    }

    func causeChanged(_ record: InstanceRecord) async -> Bool {
        await pause()
        return world.cause != causeAtLaunch
    }

    func save(_ record: InstanceRecord) async throws(DevError) {
        await pause()
        if !dead, world.record != nil { world.record = record }
    }

    func remove(_ record: InstanceRecord) async throws(DevError) {
        await pause()
        guard !dead else { throw DevError(.failed, "died", object: "sim") }
        if world.living != nil { world.violated("removed under a living server") }
        let intent = world.begin(.remove)
        await pause()
        guard !dead else { throw DevError(.failed, "died", object: "sim") }
        if !world.calm, world.executor.random.chance(20) {
            world.end(intent: intent)
            // A person was at it.
            world.freshBudget()
            throw DevError(.diskFull, "no room", object: "sim")
        }
        world.record = nil
        world.end(intent: intent)
    }
}
