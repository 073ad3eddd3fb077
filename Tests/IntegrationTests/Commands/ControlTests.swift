import Foundation
import TestSupport
import Testing

/// The control socket and the HTTP port of a real daemon, spoken to by curl.
@Suite struct ControlTests {
    private func curl(_ fixture: DaemonFixture, _ path: String, _ body: String, _ more: [String] = []) async throws -> String {
        let words = ["-s", "--max-time", "20", "--unix-socket", fixture.home + "/run/devd.sock", "-d", body] + more
        return try await Command.run("curl", words + ["http://devdb" + path]).output
    }

    @Test func controlSocketAnswersJSONLines() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.done("daemon", "start")
            #expect(
                try await curl(fixture, "/v1/list", #"{"selection":{"patterns":[],"directory":"/"},"force":false}"#) == "{\"result\":[]}\n")
            let up = try await curl(
                fixture, "/v1/up",
                #"{"selection":{"patterns":["a"],"directory":"/"},"dbPort":0,"shadowDbPort":0,"settings":{},"password":"p"}"#)
            let lines = up.split(separator: "\n")
            #expect(lines.dropLast().allSatisfy { $0.hasPrefix("{\"progress\":") } && lines.count >= 2)
            #expect(lines.last?.hasPrefix("{\"result\":{") == true)
            #expect(try await curl(fixture, "/v1/nope", "{}").contains("\"code\":\"usage\""))
            #expect(try await curl(fixture, "/v1/up", "{").contains("\"error\""))
            #expect(try await curl(fixture, "/v1/list", "{}", ["-H", "devdb-version: 0.0.0"]).contains("version-mismatch"))
            #expect(try await curl(fixture, "/v1/daemon", "{}", ["-H", "devdb-version: 0.0.0"]).contains("\"pid\""))
            let bad = #"{"selection":{"patterns":["a b"],"directory":"/"},"settings":{}}"#
            #expect(try await curl(fixture, "/v1/up", bad).contains("bad-name"))
        }
    }

    @Test func httpPortNamesTheInstance() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.done("daemon", "start")
            let facts = try await fixture.facts("daemon", "status")
            let port = try #require(facts["httpPort"] as? Int)
            for host in ["localhost", "127.0.0.1", "[::1]"] {
                let result = try await Command.run("curl", ["-sg", "http://\(host):\(port)/health"])
                #expect(result.output == "{\"name\":\"default\"}")
            }
            let foreign = try await Command.run("curl", ["-s", "-H", "Host: evil.example", "http://127.0.0.1:\(port)/health"])
            #expect(foreign.output.hasPrefix("Forbidden"))
        }
    }

    @Test func logsFollowAcrossARestart() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up()
            let follower = try Conversation(
                fixture.devProgram, ["logs", "default", "-f"], environment: fixture.environment, onTerminal: false)
            try await fixture.done("stop", "--yes")
            try await fixture.psql(url, "do $$ begin raise log 'marker-after-restart'; end $$")
            #expect(try await follower.hear("marker-after-restart").contains("database system is shut down"))
            // It ends with its instance.
            try await fixture.done("stop", "--yes")
            try await fixture.done("rm", "default", "--yes")
            #expect(try await follower.end(seconds: 20).output.contains("database system is shut down"))
        }
    }
}
