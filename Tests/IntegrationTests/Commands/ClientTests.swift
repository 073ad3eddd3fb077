import Foundation
import TestSupport
import Testing

/// What a client of the printed URL sees.
@Suite struct ClientTests {
    @Test(arguments: PostgresInstallation.all)
    func theURLAnswersAwakeAndAsleep(_ installation: PostgresInstallation) async throws {
        try await DaemonFixture.run(installation: installation) { fixture in
            let url = try await fixture.up()
            #expect(try await fixture.psql(url, "select 1") == "1")
            // The name that existing .env files have stands for the instance's own database.
            #expect(try await fixture.psql(url, "select current_database(), current_user") == "postgres|postgres")
            try await fixture.done("stop", "--yes")
            #expect(fixture.postmasters.isEmpty)
            #expect(try await fixture.psql(url, "select 2") == "2")
            #expect(fixture.postmasters.count == 1)
            let status = try await fixture.facts("status")
            #expect((status["pg"] as? String)?.hasPrefix("\(installation.major)") == true)
            #expect(status["front"] as? String == "handoff", "\(status["frontReason"] ?? "")")
            let shadow = try #require(status["shadowUrl"] as? String)
            #expect(try await fixture.psql(shadow, "select current_database()") == "devdb_shadow")
        }
    }

    @Test func aWrongPasswordWakesNothing() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("default", "--password", "right")
            try await fixture.done("stop", "--yes")
            await #expect(throws: TestFailure.self) {
                try await fixture.psql(url.replacingOccurrences(of: ":right@", with: ":wrong@"), "select 1")
            }
            #expect(fixture.postmasters.isEmpty)
        }
    }

    @Test func sessionsDoNotNoticeThatTheDaemonIsKilled() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up(ports: DaemonFixture.ownPorts())
            try await fixture.psql(url, "create table t (n int)")
            let before = try await fixture.facts("status")
            let client = try Conversation("psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url], onTerminal: false)
            client.say("insert into t values (1); select 'begun';\n")
            try await client.hear("begun\n")
            try await fixture.killDaemon()
            client.say("insert into t values (2); select count(*) from t;\n\\q\n")
            let result = try await client.end()
            #expect(result.status == 0 && result.output == "2\n", "\(result)")
            let after = try await fixture.facts("up")
            #expect(after["pid"] as? Int == before["pid"] as? Int && after["url"] as? String == url)
            #expect(try await fixture.psql(url, "select count(*) from t") == "2")
        }
    }
}
