import Basics
import Files
import Testing

@testable import Registry

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A process is killed at any point of its transactions; what it was told is saved is there, nothing half.
@Suite(.serialized) struct KillTests {
    @Test(arguments: 0..<6) func aKillLosesNothingCommitted(_ round: Int) async throws {
        let fixture = try Fixture()
        _ = try fixture.open()
        let folder = fixture.folder
        await #expect(processExitsWith: .signal(SIGALRM)) { [folder = folder as String, round = round as Int] in
            let registry = try Registry(path: folder + "/registry.sqlite")
            // What the registry has confirmed, in a file that outlives the process.
            let confirmed = open(folder + "/confirmed", O_RDWR | O_CREAT, 0o600)
            // Nobody handles it, so the kernel's timer ends the process wherever it is.
            var timer = itimerval()
            timer.it_value.tv_usec = 3_000 + suseconds_t(round) * 7_001
            try #require(setitimer(realTime, &timer, nil) == 0)
            for step in 1... {
                let instance = try record("id\(step)", "n\(step)", ports: [.init(kind: .main, port: UInt16(step % 60_000 + 1))])
                let intent = try registry.begin(.create, instance: instance.id, detail: "\(step)", saving: instance)
                try registry.finish(intent, saving: instance)
                if step % 3 == 0 {
                    let removal = try registry.begin(.remove, instance: instance.id, detail: "")
                    try registry.finishRemoval(removal, TrashRecord(instance: instance, removedAt: Double(step), deadline: 0, path: ""))
                }
                if step % 5 == 0 { try registry.backup() }
                var number = Int32(step)
                pwrite(confirmed, &number, 4, 0)
            }
        }
        let bytes = (try? DurableFile.read(folder + "/confirmed")) ?? [0, 0, 0, 0]
        let confirmed = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        let registry = try fixture.open()
        let instances = try registry.instances()
        let trash = try registry.trash()
        let intents = try registry.intents()
        // Each step is in one place; at most one more than confirmed has begun.
        let steps = (instances.map(\.id) + trash.map(\.instance.id)).compactMap { Int($0.dropFirst(2)) }.sorted()
        #expect(steps == Array(1..<steps.count + 1))
        #expect(steps.count == confirmed || steps.count == confirmed + 1)
        #expect(intents.count <= 1)
        #expect(instances.allSatisfy { $0.ports.count == 1 })
        if RegistryError.exists(fixture.path + ".backup") {
            let copy = fixture.folder + "/copy.sqlite"
            try DurableFile.write(DurableFile.read(fixture.path + ".backup"), to: copy)
            #expect(try Registry(path: copy).instances().isEmpty == false)
        }
    }
}

#if canImport(Darwin)
    private let realTime = ITIMER_REAL
#else
    private let realTime = __itimer_which_t(ITIMER_REAL.rawValue)
#endif
