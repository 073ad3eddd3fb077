import Basics
import Foundation
import Loop
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// What the front is told of logins and ports, by real servers.
@Suite struct LoginFactsTests {
    /// An expiry of the owner's password, and roles that have one but may not log in.
    @Test func whatASleepNotes() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, idle: .never))
            func noted(_ sql: String) async throws -> InstanceRecord {
                try await fixture.query(made.id, sql)
                try await fixture.manager.stop(made.id)
                return try #require(await fixture.manager.loginFacts(made.id)).record
            }
            let forever = try await noted("ALTER ROLE postgres VALID UNTIL 'infinity'; CREATE ROLE off PASSWORD 'x'; CREATE ROLE them")
            #expect(forever.verifierFresh && forever.verifier == made.verifier && forever.roles == ["off", "postgres"])
            let expired = try await noted("ALTER ROLE postgres VALID UNTIL '2001-01-01'")
            #expect(expired.verifierFresh && expired.verifier == nil)
            // Awake it is no other, where the front has to ask for it.
            try await fixture.query(made.id, "SELECT 1")
            #expect(try await fixture.manager.ownerVerifier(made.id) == nil)
            let later = try await noted("ALTER ROLE postgres VALID UNTIL '2999-01-01 00:00:00.5+00'")
            #expect(later.verifierFresh && later.verifier == made.verifier && later.verifierExpires == 32_472_144_000.5)
            let back = try await noted("ALTER ROLE postgres VALID UNTIL 'infinity'")
            #expect(back.verifierFresh && back.verifier == made.verifier && back.verifierExpires == nil)
        }
    }

    @Test func aStopIsWaitedForWithoutAWake() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, idle: .never))
            try await fixture.query(made.id, "SELECT 1")
            // Nothing to wait for.
            try await fixture.manager.stopEnded(made.id)
            #expect(try await fixture.status(made.id).state == .running)
            let stop = fixture.loop.task { try? await fixture.manager.stop(made.id) }
            try await fixture.wait(for: made.id) { $0.state == .stopping || $0.state == .stopped }
            try await fixture.manager.stopEnded(made.id)
            #expect(try await fixture.status(made.id).state == .stopped)
            #expect(try #require(await fixture.manager.loginFacts(made.id)).record.verifierFresh)
            await stop.value
            try await fixture.manager.stopEnded(made.id)
            #expect(try await fixture.status(made.id).state == .stopped)
        }
    }

    /// One port of two is somebody else's when the daemon starts: the other is there, and the problem is said.
    @Test func aPortThatIsMissingIsNamedAndComesBack() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default, idle: .never))
            let (main, shadow) = (made.ports[0].port, made.ports[1].port)
            fixture.binder.take([shadow])
            let next = try await fixture.nextDaemon()
            #expect(next.binder.open[made.id] == [main])
            #expect(try await next.status(made.id).reason?.contains("\(shadow)") == true)
            // Without its shadow port it can be used.
            _ = try await next.manager.start(made.id)
            #expect(try await next.query(made.id, "SELECT 1") == "1")

            // Another one goes, the first comes back.
            next.binder.take([main])
            try await next.wait(for: made.id) { $0.reason?.contains("\(main)") == true }
            await #expect { try await next.manager.start(made.id) } throws: { ($0 as? DevError)?.object == "\(main)" }
            next.binder.take([])
            try await next.wait(for: made.id) { $0.reason == nil }
            #expect(next.binder.open[made.id] == [main, shadow])
            await next.manager.shutdown(stopServers: true)
        }
    }

    @Test(arguments: PostgresInstallation.all)
    func theMockNonceIsFoundInTheControlFile(_ installation: PostgresInstallation) async throws {
        let cluster = try await PostgresCluster.start(installation)
        let nonce = try #require(ControlFile.mockNonce(cluster.dataDirectory))
        #expect(nonce.count == 32 && Set(nonce).count > 8)
        let program = installation.program("pg_controldata")
        if FileManager.default.isExecutableFile(atPath: program) {
            let shown = try await Command.run(program, [cluster.dataDirectory]).output
            #expect(shown.contains(nonce.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()), "\(shown)")
        }
        try await cluster.stop()
        #expect(ControlFile.mockNonce(cluster.dataDirectory) == nonce)
        #expect(ControlFile.mockNonce("/nonexistent") == nil)
    }
}
