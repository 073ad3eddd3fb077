import Basics
import Foundation
import Loop
import PostgresSession
import Registry
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
            #expect(made.ports.map(\.port) == [51_218, 51_215])
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
            #expect(await code(NewInstance(name: name, mainPort: 51_218)) == .portTaken)
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
