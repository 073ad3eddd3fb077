import Foundation
import TestSupport
import Testing

/// The program on a terminal, as people have it.
@Suite struct TerminalTests {
    private func dev(_ fixture: DaemonFixture, _ arguments: String..., environment: [String: String] = [:]) throws -> Conversation {
        try Conversation(
            "/bin/sh", ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", fixture.directory, fixture.devProgram] + arguments,
            environment: fixture.environment.merging(["NO_COLOR": ""]) { $1 }.merging(environment) { $1 })
    }

    /// `initdb` takes longer than the moment after which progress is shown.
    @Test func progressIsShownAndWipedAway() async throws {
        try await DaemonFixture.run { fixture in
            let up = try dev(fixture, "up", "shop", "--db-port", "0", "--shadow-db-port", "0")
            let progress = try await up.hear("✔ ")
            #expect(progress.contains(" … ") && progress.contains("\r\u{1b}[K✔"), "\(progress)")
            let result = try await up.end()
            #expect(result.status == 0 && result.output.contains(" is running") && !result.output.contains(" … "), "\(result)")
        }
    }

    @Test func coloursAreShownUnlessUnwanted() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up("shop")
            for (environment, hasColours) in [([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false)] {
                for words in [["ls"], ["status", "shop"], ["--help"], ["status", "nobody"], ["--nope"]] {
                    let said = try await Conversation(
                        fixture.devProgram, words,
                        environment: fixture.environment.merging(["NO_COLOR": ""]) { $1 }.merging(environment) { $1 }
                    ).end().output
                    #expect(said.contains("\u{1b}[1") == hasColours, "\(words), \(environment): \(said)")
                }
            }
        }
    }

    @Test func ctrlCInTheForegroundStopsTheServer() async throws {
        try await DaemonFixture.run { fixture in
            let up = try dev(fixture, "up", "shop", "--db-port", "0", "--shadow-db-port", "0", "--foreground")
            try await up.hear("Ctrl-C stops it")
            up.say(Conversation.interrupt)
            try await up.hear("shop has been stopped; its data stay")
            #expect(try await up.end().status == 0)
            #expect(try await fixture.facts("status", "shop")["state"] as? String == "stopped")
        }
    }

    @Test func stopAndRemoveAsk() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up("shop")
            for (verb, phrase, done) in [
                ("stop", "i will interrupt sessions", "Stopped shop"), ("rm", "i will lose local data", "Removed shop"),
            ] {
                let refused = try dev(fixture, verb, "shop")
                try await refused.hear("Type \"\(phrase)\" or y: ")
                refused.say("perhaps\n")
                try await refused.hear("or y: ")
                refused.say("n\n")
                let no = try await refused.end()
                #expect(no.status == 1 && no.output.contains("Aborted!"), "\(no)")
                // Ctrl-D is a no, too, and Ctrl-C ends it.
                for (key, status) in [("\u{4}", Int32(1)), (Conversation.interrupt, 130)] {
                    let left = try dev(fixture, verb, "shop")
                    try await left.hear("or y: ")
                    left.say(key)
                    #expect(try await left.end().status == status)
                }
                let accepted = try dev(fixture, verb, "shop")
                try await accepted.hear("or y: ")
                accepted.say(phrase.uppercased() + "\n")
                let yes = try await accepted.end()
                #expect(yes.status == 0 && yes.output.contains(done), "\(yes)")
            }
            #expect(try await fixture.dev("status", "shop").status == 3)
        }
    }

    @Test func ctrlCEndsFollowingALog() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up("shop")
            let logs = try dev(fixture, "logs", "shop", "-f")
            try await logs.hear("database system is ready to accept connections")
            logs.say(Conversation.interrupt)
            #expect(try await logs.end().status == 130)
            #expect(try await fixture.facts("status", "shop")["state"] as? String == "running")
        }
    }

    @Test(arguments: ["handoff", "pump"]) func ctrlCInPsqlCancelsTheQuery(_ front: String) async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("shop", "--front", front)
            let psql = try dev(fixture, "psql", "shop", "--", "-X", environment: ["PSQL_PAGER": "cat"])
            try await psql.hear("=# ")
            psql.say("select pg_sleep(60) /* here */;\n")
            try await fixture.wait(
                url,
                until: "select count(*) = 1 from pg_stat_activity where query like '%/* here */%' and state = 'active' "
                    + "and pid <> pg_backend_pid()")
            psql.say(Conversation.interrupt)
            try await psql.hear("canceling statement due to user request")
            try await psql.hear("=# ")
            psql.say("select 6 * 7;\n")
            try await psql.hear("42")
            psql.say("\\q\n")
            #expect(try await psql.end().status == 0)
        }
    }
}
