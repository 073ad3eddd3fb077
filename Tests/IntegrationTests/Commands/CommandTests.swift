import Foundation
import TestSupport
import Testing

/// What commands give to other programs, with a real server behind them.
@Suite struct CommandTests {
    @Test func environmentReachesPrograms() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("shop", "--password", "it's $pecial \"x\"")
            #expect(try await fixture.done("url", "shop") == url)
            #expect(try await fixture.done("up", "shop", "-d") == url)
            // Every way to the same server, whatever is in the password.
            #expect(try await fixture.done("run", "shop", "--", "psql", "-XAtc", "select 1") == "1")
            #expect(try await fixture.done("psql", "shop", "--", "-XAtc", "select 2") == "2")
            try await fixture.done("env", "shop", "--write", ".env")
            let script = "set -a; . ./.env; psql -XAtc 'select 3'; unset PGPASSWORD PGHOST PGPORT; psql -XAtc 'select 4' \"$DATABASE_URL\""
            let sourced = try await Command.run("/bin/sh", ["-c", "cd \(fixture.directory); \(script)"])
            #expect(sourced.output == "3\n4\n", "\(sourced.errors)")
            let evaluated = try await Command.run(
                "/bin/sh", ["-c", "eval \"$(\(fixture.devProgram) env shop --format shell)\"; psql -XAtc 'select 5'"],
                environment: fixture.environment)
            #expect(evaluated.output == "5\n", "\(evaluated.errors)")
            let missing = try await fixture.dev("run", "nobody", "--", "true")
            #expect(missing.status == 3 && missing.errors.contains("dev up"))
        }
    }

    @Test func jsonHasTheKeysOfThePage() async throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/json.md"), encoding: .utf8)
        func keys(_ title: String) -> Set<String> {
            guard let start = page.range(of: "\n## \(title)\n") else { return [] }
            let section = page[start.upperBound...].prefix { _ in true }
            let end = section.range(of: "\n## ")?.lowerBound ?? section.endIndex
            return Set(
                section[..<end].split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { line in
                    line.split(separator: "`").dropFirst().first.map(String.init)
                })
        }
        try await DaemonFixture.run { fixture in
            _ = try await fixture.up("shop")
            #expect(Set(try await fixture.facts("status", "shop").keys) == keys("Instance"))
            #expect(Set(try await fixture.facts("up", "shop").keys) == keys("Instance"))
            #expect(Set(try await fixture.facts("config", "shop").keys) == keys("Configuration"))
            #expect(Set(try await fixture.facts("daemon", "status").keys) == keys("Daemon"))
            // Its status tells what it found, which is this machine's affair.
            let doctor = try await fixture.dev("doctor", "--json").output
            let diagnosis = try #require(try JSONSerialization.jsonObject(with: Data(doctor.utf8)) as? [String: Any])
            #expect(Set(diagnosis.keys) == keys("Diagnosis"))
            #expect(Set(try await fixture.facts("url", "shop").keys) == keys("URL"))
            let refused = try await fixture.dev("status", "nobody", "--json")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(refused.errors.utf8)) as? [String: [String: Any]])
            #expect(Set(object["error", default: [:]].keys) == keys("Errors"))
            #expect(refused.output == "")
        }
    }

    @Test func patternsChooseSeveral() async throws {
        try await DaemonFixture.run { fixture in
            for name in ["app--a", "app--b", "web"] { _ = try await fixture.up(name) }
            let stopped = try await fixture.dev("stop", "app*", "--json")
            let objects = try #require(try JSONSerialization.jsonObject(with: Data(stopped.output.utf8)) as? [[String: Any]])
            #expect(objects.map { $0["name"] as? String } == ["app--a", "app--b"])
            #expect(try await fixture.dev("rm", "*").status == 4)
            #expect(try await fixture.dev("rm", "zz*").status == 0)
            #expect(try await fixture.dev("stop", "app--a,nobody").status == 3)
            try await fixture.done("start", "app--?")
            try await fixture.done("rm", "*", "--force")
            #expect(try await fixture.done("ls", "--json").filter { !$0.isWhitespace } == "[]")
            #expect(fixture.postmasters.isEmpty)
        }
    }

    /// The reader has what it wanted, and nothing more is written.
    @Test func aLogIsFollowedAsLongAsSomebodyReads() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up("shop")
            let result = try await Command.run(
                "/bin/sh", ["-c", "{ \(fixture.devProgram) logs shop -f -n 1; echo \"ended $?\" >&2; } | head -1"],
                environment: fixture.environment, seconds: 30)
            // By SIGPIPE if the server says something after all.
            #expect(["ended 0\n", "ended 141\n"].contains(result.errors) && result.output.split(separator: "\n").count == 1, "\(result)")
        }
    }

    #if os(Linux)
        @Test func aDaemonThatDiesIsToldAndReplaced() async throws {
            try await DaemonFixture.run { fixture in
                let url = try await fixture.up("shop", ports: DaemonFixture.ownPorts())
                try await fixture.psql(url, "create table t (n int); insert into t values (1)")
                let follower = try Conversation(
                    fixture.devProgram, ["logs", "shop", "-f"], environment: fixture.environment, onTerminal: false)
                // What it says comes from the daemon; a kill before that would only make it start another.
                try await follower.hear("database system is ready to accept connections")
                try await fixture.killDaemon()
                let result = try await follower.end()
                #expect(result.status == 5 && result.output.contains("error[daemon-unreachable]"), "\(result)")
                #expect(try await fixture.dev("daemon", "status").status == 5)
                #expect(try await fixture.done("url", "shop") == url)
                #expect(try await fixture.psql(url, "select n from t") == "1")
            }
        }
    #endif

    /// Neither restarting nor stopping the daemon is a Ctrl-C: the server and its sessions live on.
    @Test func foregroundOutlivesTheDaemon() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("shop", ports: DaemonFixture.ownPorts())
            func follow(_ words: String...) throws -> Conversation {
                try Conversation(fixture.devProgram, words, environment: fixture.environment, onTerminal: false)
            }
            let (foreground, logs) = try (follow("up", "shop", "--foreground"), follow("logs", "shop", "-f"))
            func mark(_ text: String) async throws { try await fixture.psql(url, "do $$ begin raise log '\(text)'; end $$") }
            // It follows a little later than it says so.
            for attempt in 1... {
                try await mark("first")
                do { try await foreground.hear("LOG:  first", seconds: 1) } catch  where attempt < 30 { continue }
                break
            }
            try await mark("before")
            for follower in [foreground, logs] { try await follower.hear("LOG:  before") }
            let pid = try await fixture.facts("status", "shop")["pid"] as? Int
            try await fixture.done("daemon", "restart")
            try await mark("after")
            // Nothing is left out, and nothing told twice.
            for follower in [foreground, logs] { #expect(try await !follower.hear("LOG:  after").contains("LOG:  before")) }
            #expect(try await fixture.facts("status", "shop")["pid"] as? Int == pid)

            try await fixture.done("daemon", "stop")
            for follower in [foreground, logs] {
                let result = try await follower.end(seconds: 20)
                #expect(result.status == 5 && result.output.contains("The daemon has ended"), "\(result)")
                #expect(!result.output.contains("LOG:"), "\(result)")
            }
            #expect(try await fixture.dev("daemon", "status").status == 5)
            #expect(try await fixture.facts("status", "shop")["pid"] as? Int == pid)
        }
    }

    @Test func foregroundEndsWithTheServerAsleep() async throws {
        try await DaemonFixture.run { fixture in
            let script = """
                cd \(fixture.directory); mkfifo out; set -m
                \(fixture.devProgram) up shop --db-port 0 --shadow-db-port 0 --foreground >out & pid=$!
                while read -r line; do case $line in *Ctrl-C*) kill -INT $pid;; esac; done <out; wait $pid; echo "status $?"
                """
            let result = try await Command.run("/bin/bash", ["-c", script], environment: fixture.environment)
            #expect(result.output.hasSuffix("status 0\n"), "\(result)")
            #expect(try await fixture.facts("status", "shop")["state"] as? String == "stopped")
        }
    }
}
