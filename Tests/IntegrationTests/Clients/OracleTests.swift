import Foundation
import TestSupport
import Testing

/// The interpreter follows Prisma's, not the recorded cases: random plans out of the whole catalogue of nodes and types go
/// to Prisma's own executor and to us, over one database (`oracle.mjs`).
@Suite struct OracleTests {
    /// The same plans each time: of some ten thousand one meets a difference that is meant (docs/compatibility.md).
    /// `DEVDB_ORACLE_SEED=random` looks for more, a number repeats a run, `DEVDB_ORACLE_PLANS` makes a longer one.
    @Test func randomPlansAreAnsweredAsByTheReference() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        let environment = ProcessInfo.processInfo.environment
        let wanted = environment["DEVDB_ORACLE_SEED"] ?? "1"
        let seed = wanted == "random" ? String(UInt32.random(in: 1 ... .max)) : wanted
        let plans = environment["DEVDB_ORACLE_PLANS"] ?? "400"
        print("oracle: seed \(seed)")
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let url = try made.text("url")
            try await fixture.psql(
                url,
                """
                CREATE TYPE oracle_mood AS ENUM ('sad', 'ok');
                CREATE TABLE oracle_t (n int);
                INSERT INTO oracle_t VALUES (1), (2), (3);
                """)
            let program = URL(filePath: #filePath).deletingLastPathComponent().path() + "oracle.mjs"
            let result = try await Command.run(
                "node", [program, bundle, url, fixture.done("url", "--http"), seed, plans], seconds: 600)
            #expect(result.status == 0 && result.output == "ok \(plans)\n", "seed \(seed): \(result.output)\(result.errors)")
        }
    }
}
