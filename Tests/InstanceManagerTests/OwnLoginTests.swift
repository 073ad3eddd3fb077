import Basics
import PostgresSession
import PostgresWire
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// What people do to the owner and its database must not keep the daemon, and with it all clients, out.
@Suite struct OwnLoginTests {
    @Test(arguments: [true, false])
    func theDatabasePostgresMayBeDropped(library: Bool) async throws {
        try await ManagerFixture.run(library: library) { fixture in
            let id = try await fixture.manager.create(NewInstance(name: .default)).id
            try await fixture.query(id, "CREATE DATABASE mine")
            try await fixture.query(id, "DROP DATABASE postgres WITH (FORCE)", database: "mine")
            #expect(try await fixture.manager.ownerVerifier(id) != nil)
            try await fixture.manager.stop(id)
            #expect(try await fixture.status(id).record.verifierFresh)
            #expect(try await fixture.query(id, "SELECT current_database()", database: "mine") == "mine")
            if library { #expect(try await fixture.manager.endpoint(id).passage == .handoff) }
            #expect(try await fixture.manager.ownerVerifier(id) != nil)
            #expect(try await fixture.manager.shadowDatabase(id) == "devdb_shadow")
            try await fixture.query(id, "CREATE DATABASE postgres", database: "devdb_shadow")
            #expect(try await fixture.query(id, "SELECT 1") == "1")
        }
    }

    /// Newer servers do not let it be taken away.
    @Test func theOwnerNeedNotBeSuperuser() async throws {
        try await ManagerFixture.run { fixture in
            let id = try await fixture.manager.create(NewInstance(name: .default)).id
            guard let version = try await fixture.query(id, "SHOW server_version_num").flatMap({ Int($0) }), version < 160_000 else {
                return
            }
            try await fixture.query(id, "CREATE ROLE chief LOGIN SUPERUSER PASSWORD 'c'")
            try await fixture.query(id, "ALTER ROLE postgres NOSUPERUSER")
            try await fixture.manager.stop(id)
            #expect(try await fixture.query(id, "SELECT usesuper FROM pg_user WHERE usename = 'postgres'") == "f")
            #expect(try await fixture.manager.endpoint(id).passage == .handoff)
            #expect(await fixture.manager.passwordIsOld(id, quickly: false) == false)
            // Whoever else is there is not seen by it, and not put to sleep.
            let effects = try #require(await fixture.manager.effects)
            let server = try #require(await fixture.manager.owner(id).server)
            #expect(await effects.use(of: server) == .idle(seconds: nil))
            let directory = try await fixture.manager.endpoint(id).socketDirectory
            let chief = try await Session.connect(
                loop: fixture.loop, ["host": directory, "port": "5432", "user": "chief", "dbname": "postgres", "password": "c"],
                timeout: .seconds(10))
            defer { chief.close() }
            #expect(await effects.use(of: server) == .inUse)
        }
    }

    /// That the server judges the owner by itself proves the hand-off as well: its own words reach the owner, and all else goes on.
    @Test func anOwnerThatMayNotLogInIsTheServersAffair() async throws {
        try await ManagerFixture.run { fixture in
            let id = try await fixture.manager.create(NewInstance(name: .default)).id
            try await fixture.query(id, "CREATE ROLE chief LOGIN SUPERUSER PASSWORD 'c'")
            try await fixture.query(id, "ALTER ROLE postgres NOLOGIN")
            try await fixture.manager.stop(id)
            let endpoint = try await fixture.manager.endpoint(id)
            #expect(endpoint.passage == .handoff)
            let error = await #expect(throws: PostgresError.self) { try await fixture.query(id, "SELECT 1") }
            #expect(error?.sqlState == "28000")
            let chief = try await Session.connect(
                loop: fixture.loop,
                ["host": endpoint.socketDirectory, "port": "5432", "user": "chief", "dbname": "postgres", "password": "c"],
                timeout: .seconds(10))
            defer { chief.close() }
            _ = try await chief.results("ALTER ROLE postgres LOGIN")
            #expect(try await fixture.query(id, "SELECT 1") == "1")
        }
    }

    /// What a person sets for the owner's sessions is not for the daemon's.
    @Test func settingsOfTheOwnerDoNotHinder() async throws {
        try await ManagerFixture.run { fixture in
            let id = try await fixture.manager.create(NewInstance(name: .default)).id
            try await fixture.query(id, "CREATE ROLE weak")
            for change in ["VALID UNTIL '2001-01-01'", "SET lock_timeout = '1ms'", "SET role = weak"] {
                try await fixture.query(id, "ALTER ROLE postgres " + change)
            }
            try await fixture.manager.stop(id)
            #expect(try await fixture.manager.endpoint(id).passage == .handoff)
            _ = try await fixture.manager.setPassword(id, Secret("another"))
            #expect(try await fixture.query(id, "SELECT rolvaliduntil FROM pg_catalog.pg_roles WHERE rolname = 'postgres'") == "infinity")
        }
    }

    /// PostgreSQL 17's triggers at logins: one that refuses all must leave the way out that PostgreSQL has, and not be the daemon's.
    @Test func triggersAtLoginsAreNotForTheDaemon() {
        func options(_ major: Int?) -> String { OwnLogin(major: major).packet()["options"].map { "\($0)" } ?? "" }
        #expect(options(17).contains("-c event_triggers=off") && options(18).contains("-c event_triggers=off"))
        #expect(!options(16).contains("event_triggers") && !options(nil).contains("event_triggers"))
    }

    @Test func eachRefusalHasItsNextWay() {
        var login = OwnLogin(major: nil)
        #expect(login.adapt(to: "42501") && !login.isPrivileged && login.database == "postgres")
        #expect(login.adapt(to: "3D000") && login.database == "template1")
        #expect(!login.adapt(to: "42501") && !login.adapt(to: "3D000") && !login.adapt(to: "28000") && !login.adapt(to: nil))
    }
}
