import Basics
import Foundation
import Loop
import PostgresSession
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// Faults against real processes.
@Suite struct FaultTests {
    @Test func theNextDaemonAdoptsTheServer() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "SELECT 1")
            let pid = try await fixture.status(made.id).pid
            let next = try await fixture.nextDaemon()
            #expect(try await next.query(made.id, "SELECT 2") == "2")
            let status = try await next.status(made.id)
            #expect(status.pid == pid && status.adopted && status.record.ports == made.ports)
            try await next.manager.stop(made.id)
            #expect(try await next.status(made.id).state == .stopped)
            #expect(try await next.status(made.id).record.verifierFresh)
            #expect(try await next.query(made.id, "SELECT 3") == "3")
            await next.manager.shutdown(stopServers: true)
        }
    }

    @Test func aKilledPostmasterComesBackWithItsRows() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "CREATE TABLE kept AS SELECT 1 AS x")
            let pid = try #require(try await fixture.status(made.id).pid)
            kill(pid, SIGKILL)
            try await fixture.wait(for: made.id) { $0.state == .running && $0.pid != pid }
            #expect(try await fixture.query(made.id, "SELECT x FROM kept") == "1")
        }
    }

    /// Such as lines of the system's own server, pasted.
    @Test func placesInAPersonsFileAreNotFollowed() async throws {
        try await ManagerFixture.run { fixture in
            let other = try await fixture.manager.create(NewInstance(name: try InstanceName("other")))
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let (own, foreign) = (fixture.layout.dataDirectory(made.id), fixture.layout.dataDirectory(other.id))
            try await fixture.manager.stop(made.id)
            let file = own + "/postgresql.conf"
            let lines = "data_directory = '\(foreign)'\nhba_file = '/none'\nport = 5433\nlisten_addresses = '*'\n"
            try (String(contentsOfFile: file, encoding: .utf8) + lines).write(toFile: file, atomically: false, encoding: .utf8)
            #expect(try await fixture.query(made.id, "SHOW data_directory") == own)
            #expect(try await fixture.query(made.id, "SHOW listen_addresses") == "")
        }
    }

    @Test func aBackendThatOutlivesItsPostmasterDoesNotBlockTheNext() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let endpoint = try await fixture.manager.endpoint(made.id)
            let pid = try #require(try await fixture.status(made.id).pid)
            // A query that never looks whether its postmaster lives.
            let busy = fixture.loop.task {
                let session = try? await Session.connect(
                    loop: fixture.loop, ["host": endpoint.socketDirectory, "port": "5432", "user": "postgres", "dbname": "postgres"],
                    timeout: .seconds(10))
                _ = try? await session?.query("SELECT count(*) FROM generate_series(1, 1000000000)")
            }
            for _ in 0..<1000
            where try await fixture.query(
                made.id, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate_series(1,%' AND pid <> pg_backend_pid()") == nil
            {}
            kill(pid, SIGKILL)
            try await fixture.wait(for: made.id) { $0.state == .running && $0.pid != pid }
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
            await busy.value
        }
    }

    @Test func aStalePidFileNeverBlocksAStart() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "SELECT 1")
            try await fixture.manager.stop(made.id)
            // The pid is this process's: alive, and no server.
            let data = fixture.layout.dataDirectory(made.id)
            let text = "\(getpid())\n\(data)\n1700000000\n5432\n/tmp\n\n  12345 67890\nready   \n"
            try Data(text.utf8).write(to: URL(filePath: data + "/postmaster.pid"))
            #expect(try await fixture.query(made.id, "SELECT 2") == "2")
        }
    }

    @Test func garbageInThePidFileNeverBlocksAStart() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try Data("nonsense".utf8).write(to: URL(filePath: fixture.layout.dataDirectory(made.id) + "/postmaster.pid"))
            #expect(try await fixture.query(made.id, "SELECT 2") == "2")
        }
    }

    @Test func aBrokenSettingIsNamedAndItsCorrectionIsNoticed() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let conf = fixture.layout.dataDirectory(made.id) + "/postgresql.conf"
            let good = try String(contentsOfFile: conf, encoding: .utf8)
            try Data((good + "wrok_mem = 4MB\n").utf8).write(to: URL(filePath: conf))
            for _ in 0..<8 {
                await #expect { try await fixture.manager.endpoint(made.id) } throws: { error in
                    (error as? DevError)?.cause?.contains("wrok_mem") == true && (error as? DevError)?.cause?.contains("line") == true
                }
            }
            #expect(try await fixture.status(made.id).state == .broken)
            // One start only: the cause had not changed.
            let log = try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)
            #expect(log.components(separatedBy: "contains errors").count == 2)
            try Data(good.utf8).write(to: URL(filePath: conf))
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
            #expect(try await fixture.status(made.id).record.brokenReason == nil)
        }
    }

    /// What PostgreSQL checks when it has read all its settings: it says so and goes, and trying again would not help.
    @Test(arguments: [
        (["superuser_reserved_connections": "20", "max_connections": "10"], "superuser_reserved_connections"),
        (["archive_mode": "on", "wal_level": "minimal", "max_wal_senders": "0"], "wal_level"),
        (["max_wal_senders": "3", "wal_level": "minimal"], "max_wal_senders"),
        (["ssl": "on"], "certificate"), (["shared_preload_libraries": "no_such_thing"], "no_such_thing"),
    ])
    func settingsThatContradictAreNamedAtTheFirstTry(settings: [String: String], named: String) async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, settings: settings))
            await #expect {
                try await fixture.manager.endpoint(made.id)
            } throws: { error in
                (error as? DevError)?.cause?.contains(named) == true
            }
            #expect(try await fixture.status(made.id).state == .broken)
            let log = try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)
            #expect(log.components(separatedBy: named).count <= 3, "more than one try: \(log)")
            _ = try await fixture.manager.configure(made.id) { $0.settings = [:] }
            try await fixture.manager.repair(made.id)
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
            // Nor does it complain about what we ask of it.
            #expect(!(try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)).contains("external PID"))
        }
    }

    /// A client's wrong SET is in the same log.
    @Test func whatClientsDoWrongIsNoReasonToStayDown() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            for wrong in ["SET work_mem = 'much'", "SET wrok_mem = 1", "SET port = 1"] {
                await #expect(throws: (any Error).self) { try await fixture.query(made.id, wrong) }
            }
            let pid = try #require(try await fixture.status(made.id).pid)
            kill(pid, SIGKILL)
            try await fixture.wait(for: made.id) { $0.state == .running && $0.pid != pid }
        }
    }

    /// A parallel query has memory in /dev/shm, which the next start would free: there is none.
    @Test func aRemovedInstanceLeavesNoSharedMemory() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "SELECT 1")
            let pid = try #require(try await fixture.status(made.id).pid)
            let segments = Set(
                wholeText("/proc/\(pid)/maps").split(separator: "\n").compactMap { line in
                    line.firstRange(of: "/dev/shm/").map { String(line[$0.lowerBound...]) }
                })
            #if os(Linux)
                #expect(!segments.isEmpty)
            #endif
            // The daemon goes first: it would start the server again.
            await fixture.manager.shutdown(stopServers: false)
            kill(pid, SIGKILL)
            let data = fixture.layout.dataDirectory(made.id)
            for _ in 0..<2000 where !ServerProof.orphans(dataDirectory: data).isEmpty {
                try await fixture.loop.clock.sleep(for: .milliseconds(5))
            }
            let next = try await fixture.nextDaemon()
            try await next.manager.stop(made.id)
            try await next.manager.remove(made.id)
            #expect(segments.filter { access($0, F_OK) == 0 } == [])
        }
    }

    @Test func whatARunningServerDoesNotHaveYetIsPending() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, settings: ["work_mem": "8MB", "lc_messages": "C"]))
            try await fixture.query(made.id, "SELECT 1")
            #expect(try await fixture.status(made.id).pendingRestart == [])
            _ = try await fixture.manager.configure(made.id) { record in
                record.settings = ["work_mem": "9MB", "jit": "off"]
                record.profile = "ephemeral"
                record.front = "pump"
            }
            var keys = ["profile", "settings.jit", "settings.lc_messages", "settings.work_mem"]
            #if os(Linux)
                keys.insert("front", at: 0)
            #endif
            #expect(try await fixture.status(made.id).pendingRestart == keys)
            // An adopted server has them pending all the same.
            let next = try await fixture.nextDaemon()
            try await next.query(made.id, "SELECT 1")
            #expect(try await next.status(made.id).pendingRestart == keys.filter { $0 != "front" })
            try await next.manager.stop(made.id)
            #expect(try await next.status(made.id).pendingRestart == [])
            #expect(try await next.query(made.id, "SHOW work_mem") == "9MB")
            #expect(try await next.status(made.id).pendingRestart == [])
            await next.manager.shutdown(stopServers: true)
        }
    }

    /// Thirty days unused, or one when its PostgreSQL is not there any more.
    @Test func templatesThatNobodyUsesAreDeleted() async throws {
        try await ManagerFixture.run { fixture in
            let toolchain = try #require(await fixture.manager.toolchains().first { $0.usable })
            let known = try #require(TemplateKey(toolchain, profile: "durable")).text
            let other = try #require(TemplateKey(toolchain, profile: "ephemeral")).text
            let day = 86_400.0
            let ages = [known: 29 * day, other: 31 * day, "15-durable-0123456789abcdef": 2 * day, "15-durable-fedcba9876543210": 0.5 * day]
            for folder in [fixture.layout.templates, fixture.layout.spares] {
                for (name, age) in ages {
                    let path = folder + "/" + name
                    try FileManager.default.createDirectory(atPath: path + "/base", withIntermediateDirectories: true)
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
                }
            }
            let next = try await fixture.nextDaemon()
            await next.manager.retireTemplates()
            for folder in [fixture.layout.templates, fixture.layout.spares] {
                #expect(Paths.list(folder).filter { !$0.hasPrefix(".") } == [known, "15-durable-fedcba9876543210"].sorted())
            }
        }
    }

    /// A daemon that leaves ends the `initdb` of a template; the server of that `initdb` can't free its memory any more.
    @Test func anInterruptedTemplateLeavesNoSharedMemory() async throws {
        try await ManagerFixture.run(ahead: true) { fixture in
            _ = try await fixture.manager.create(NewInstance(name: .default))
            let templates = fixture.layout.templates
            let memory = try await onOwnThread {
                var found: Int32?
                try Wait.polling("initdb has shared memory") {
                    for name in Paths.list(templates) where name.hasPrefix(".new-") {
                        let id = PostmasterFile.read(templates + "/" + name)?.sharedMemory?.id
                        found = id.map { Int32(truncatingIfNeeded: $0) } ?? found
                    }
                    return found != nil
                }
                return try #require(found)
            }
            let next = try await fixture.nextDaemon()
            var facts = shmid_ds()
            #expect(shmctl(memory, IPC_STAT, &facts) == -1)
            #expect(Paths.list(templates).filter { $0.hasPrefix(".new-") }.isEmpty)
            await next.manager.shutdown(stopServers: true)
        }
    }

    @Test func anotherMajorsDataIsRefusedByName() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let path = fixture.layout.dataDirectory(made.id) + "/PG_VERSION"
            try Data("99\n".utf8).write(to: URL(filePath: path))
            await #expect { try await fixture.manager.endpoint(made.id) } throws: { error in
                (error as? DevError)?.code == .noPostgres && (error as? DevError)?.message.contains("99") == true
            }
            try Data("\(Toolchain.major(made.pgVersion) ?? 0)\n".utf8).write(to: URL(filePath: path))
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
        }
    }

    @Test func aTakenPortIsPassedOverAndAnAskedOneIsNot() async throws {
        try await ManagerFixture.run { fixture in
            fixture.binder.take([51_214, 51_217])
            let made = try await fixture.manager.create(NewInstance(name: .default))
            // 51218 is a shadow's, whether one has it or not.
            #expect(made.ports.map(\.port) == [51_219, 51_215])
            let name = try InstanceName("other")
            func code(_ request: NewInstance) async -> DevErrorCode? {
                do {
                    _ = try await fixture.manager.create(request)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(await code(NewInstance(name: name, mainPort: 51_214)) == .portTaken)
            #expect(await code(NewInstance(name: name, mainPort: 51_219)) == .portTaken)
            #expect(await code(NewInstance(name: name, mainPort: 6000)) == .portTaken)
            #expect(await code(NewInstance(name: name, mainPort: 60_001, shadowPort: 60_001)) == .usage)
            #expect(await fixture.manager.list().count == 1)
            #expect(fixture.binder.open.count == 1)
            #expect(Paths.list(fixture.layout.instances) == [made.id])
        }
    }

    @Test func anInstanceGetsItsPortBackWhenItIsFree() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            fixture.binder.take([51_214])
            let next = try await fixture.nextDaemon()
            #expect(try await next.status(made.id).reason?.contains("51214") == true)
            fixture.binder.take([])
            try await next.wait(for: made.id, seconds: 2) { $0.reason == nil }
            await next.manager.shutdown(stopServers: true)
        }
    }
}
