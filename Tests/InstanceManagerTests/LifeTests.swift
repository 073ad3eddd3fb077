import Basics
import Foundation
import Loop
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// Real servers, files and processes.
@Suite struct LifeTests {
    @Test(arguments: PostgresInstallation.all)
    func fromCreationToUndo(installation: PostgresInstallation) async throws {
        try await ManagerFixture.run(environment: ["DEVDB_PG_BIN": installation.bin]) { fixture in
            let manager = fixture.manager
            let made = try await manager.create(NewInstance(name: .default, idle: .never))
            #expect(made.password.reveal().count == 24)
            #expect(Toolchain.major(made.pgVersion) == installation.major)
            #expect(made.ports.map(\.port) == [51_214, 51_215])
            #expect(try await fixture.status(made.id).state == .stopped)

            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
            let running = try await fixture.status(made.id)
            #expect(running.state == .running && running.pid != nil && !running.record.verifierFresh)
            #expect(try await fixture.query(made.id, "SHOW wal_level") == "logical")
            #expect(try await fixture.query(made.id, "SHOW data_checksums") == "on")
            #expect(try await fixture.query(made.id, "SHOW timezone") == "UTC")
            try await fixture.query(made.id, "CREATE TABLE kept AS SELECT 42 AS answer")
            try await fixture.query(made.id, "CREATE ROLE app LOGIN PASSWORD 'x'")

            try await manager.stop(made.id)
            let asleep = try await fixture.status(made.id)
            #expect(asleep.state == .stopped && asleep.pid == nil)
            #expect(asleep.record.verifierFresh && asleep.record.roles == ["app", "postgres"])
            #expect(asleep.record.verifier?.reveal().hasPrefix("SCRAM-SHA-256$") == true)
            #expect(asleep.record.verifier == made.verifier)

            try await manager.remove(made.id)
            #expect(await manager.list().isEmpty)
            #expect(fixture.binder.open.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: fixture.layout.instanceDirectory(made.id)))
            let back = try await manager.undoRemove(.default)
            #expect(back.ports == made.ports && back.id == made.id)
            #expect(try await fixture.query(made.id, "SELECT answer FROM kept") == "42")
        }
    }

    @Test func whatIsInTheTrashKeepsItsPorts() async throws {
        try await ManagerFixture.run { fixture in
            let manager = fixture.manager
            let first = try await manager.create(NewInstance(name: .default))
            try await manager.remove(first.id)
            let second = try await manager.create(NewInstance(name: InstanceName("second")))
            #expect(Set(second.ports.map(\.port)).isDisjoint(with: first.ports.map(\.port)))
            #expect(try await manager.undoRemove(.default).ports == first.ports)
            // Who asks by number gets it.
            try await manager.remove(first.id)
            let port = try #require(first.ports.first { $0.kind == .main }?.port)
            #expect(try await manager.move(second.id, to: [.main: port]).ports.contains(PortRecord(kind: .main, port: port)))
            #expect(try await manager.undoRemove(.default).ports != first.ports)
        }
    }

    @Test func whatCannotBeBroughtBackSaysWhy() async throws {
        try await ManagerFixture.run { fixture in
            let manager = fixture.manager
            func refusal() async -> DevError? {
                do throws(DevError) {
                    _ = try await manager.undoRemove(.default)
                    return nil
                } catch { return error }
            }
            let made = try await manager.create(NewInstance(name: .default))
            #expect(await refusal()?.cause == "default has not been removed")
            try await manager.remove(made.id)
            try FileManager.default.removeItem(atPath: fixture.layout.trash + "/" + made.id)
            let damaged = await refusal()
            #expect(damaged?.code == .failed && damaged?.help?.contains("dev up default") == true)
            // Nothing was begun.
            let again = try await manager.create(NewInstance(name: .default))
            #expect(await refusal()?.help?.hasPrefix("Run dev rm default first") == true)
            #expect(await manager.list().map(\.record.id) == [again.id])
        }
    }

    @Test func whatRunsIsNotRemovedAndNamesAreUsedOnce() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            await #expect { try await fixture.manager.create(NewInstance(name: .default)) } throws: { ($0 as? DevError)?.code == .exists }
            try await fixture.query(made.id, "SELECT 1")
            await #expect { try await fixture.manager.remove(made.id) } throws: { ($0 as? DevError)?.code == .running }
        }
    }

    @Test func oneSpawnForManyClients() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await withThrowingTaskGroup(of: Endpoint.self) { group in
                for _ in 0..<50 { group.addTask { try await fixture.manager.endpoint(made.id) } }
                var all: [Endpoint] = []
                for try await endpoint in group { all.append(endpoint) }
                #expect(all.count == 50)
            }
            let log = try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)
            #expect(log.components(separatedBy: "starting PostgreSQL").count == 2)
        }
    }

    @Test func itSleepsWhenNobodyUsesIt() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, idle: .seconds(1)))
            try await fixture.query(made.id, "SELECT 1")
            try await fixture.wait(for: made.id) { $0.state == .stopped }
            #expect(try await fixture.status(made.id).record.verifierFresh)
            #expect(try await fixture.query(made.id, "SELECT 2") == "2")
        }
    }

    @Test func anOpenTransactionKeepsItAwake() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, idle: .seconds(1)))
            // The query itself runs longer than the limit.
            #expect(try await fixture.query(made.id, "SELECT pg_sleep(2.5)") == "")
            #expect(try await fixture.status(made.id).state == .running)
        }
    }

    @Test(arguments: [true, false])
    func theLibraryIsProvedAtEachStart(library: Bool) async throws {
        try await ManagerFixture.run(library: library) { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let first = try await fixture.manager.endpoint(made.id)
            #if os(Linux)
                #expect(first.passage == (library ? .handoff : .pump(marked: false, reason: "a test without the library")))
            #endif
            try await fixture.manager.stop(made.id)
            _ = try await fixture.manager.configure(made.id) { $0.front = "pump" }
            let second = try await fixture.manager.endpoint(made.id)
            if case .pump(let marked, _) = second.passage { #expect(marked == library) } else { Issue.record("\(second.passage)") }
        }
    }

    @Test func theShadowDatabaseIsMadeOnce() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            async let one = fixture.manager.shadowDatabase(made.id)
            async let two = fixture.manager.shadowDatabase(made.id)
            #expect(try await [one, two] == ["devdb_shadow", "devdb_shadow"])
            #expect(try await fixture.query(made.id, "SELECT count(*) FROM pg_database WHERE datname = 'devdb_shadow'") == "1")
        }
    }

    @Test func aNewPasswordIsInTheCluster() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let before = try await fixture.manager.ownerVerifier(made.id)
            let changed = try await fixture.manager.setPassword(made.id, Secret("postgres"))
            #expect(changed.password == Secret("postgres"))
            let after = try await fixture.manager.ownerVerifier(made.id)
            #expect(before == made.verifier && after != before && after != nil)
        }
    }

    @Test func settingsArriveInTheirOrder() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(
                NewInstance(name: .default, profile: "ephemeral", settings: ["work_mem": "11MB", "max_connections": "33"]))
            #expect(try await fixture.query(made.id, "SHOW work_mem") == "11MB")
            #expect(try await fixture.query(made.id, "SHOW fsync") == "off")
            try await fixture.manager.stop(made.id)
            let conf = fixture.layout.dataDirectory(made.id) + "/postgresql.conf"
            let text = try String(contentsOfFile: conf, encoding: .utf8)
            try Data((text + "work_mem = '12MB'\n").utf8).write(to: URL(filePath: conf))
            #expect(try await fixture.query(made.id, "SHOW work_mem") == "12MB")
            #expect(try await fixture.query(made.id, "SHOW max_connections") == "33")
        }
    }

    @Test func theSecondInstanceIsACloneAndTheThirdTakesTheSpare() async throws {
        try await ManagerFixture.run(ahead: true) { fixture in
            _ = try await fixture.manager.create(NewInstance(name: .default))
            let spares = fixture.layout.spares
            func spare() async throws {
                try await onOwnThread {
                    try Wait.files("a spare is there", in: [spares]) { Paths.list(spares).contains { !$0.hasPrefix(".") } }
                }
            }
            try await spare()
            let second = try await fixture.manager.create(NewInstance(name: try InstanceName("second")))
            #expect(try await fixture.query(second.id, "SELECT 1") == "1")
            #expect(second.ports.map(\.port) == [51_217, 51_218])
            try await spare()
        }
    }
}
