import Foundation
import TestSupport
import Testing

/// A program of the stock client (`program.mjs`) against `dev up` by `prisma+postgres://` URLs.
@Suite struct PrismaProgramTests {
    @Test func aStockClientRuns() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            let program = URL(filePath: #filePath).deletingLastPathComponent().path() + "program.mjs"
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let other = try await fixture.facts("up", "other", "--db-port", "0", "--shadow-db-port", "0")
            let tables = try String(contentsOfFile: bundle + "/shop/migrations/20260101000000_init/migration.sql", encoding: .utf8)
            for instance in [made, other] { try await fixture.psql(instance.text("url"), tables) }
            let url = try made.text("prismaPostgresUrl")
            let result = try await Command.run(
                "node", [program, bundle, url, other.text("prismaPostgresUrl"), made.text("dataDirectory")], seconds: 180)
            #expect(
                result.status == 0 && result.output == "crud\nerrors\nraw\ntransactions\ntwo\nkilled\ncrashed\nok program\n",
                "\(result.output)\(result.errors)")
            // A query wakes it.
            try await fixture.done("stop", "default", "--yes")
            let woken = try await Command.run("node", [program, bundle, url], seconds: 60)
            #expect(woken.output == "users 2\n", "\(woken)")
        }
    }
    /// While a server is on its way down, queries wait for the next one, instead of being ended with it.
    @Test func aStopIsAWaitAndNoMore() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            let script = URL(filePath: #filePath).deletingLastPathComponent().path() + "stops.mjs"
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let (url, http) = (try made.text("url"), try made.text("prismaPostgresUrl"))
            async let load = Command.run("node", [script, bundle, http, "5000"], seconds: 120)
            let end = ContinuousClock.now.advanced(by: .seconds(6))
            while ContinuousClock.now < end {
                // Up, and the pool full, before the next stop.
                try await fixture.psql(url, "select pg_sleep(0.2)")
                try await fixture.done("stop", "default", "--yes")
            }
            let result = try await load
            #expect(result.status == 0 && result.output == "ok stops\n", "\(result.output)\(result.errors)")
        }
    }
}
