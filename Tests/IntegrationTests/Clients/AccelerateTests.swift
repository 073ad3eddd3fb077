import Foundation
import TestSupport
import Testing

/// The stock client with `@prisma/extension-accelerate` (`accelerate.mjs`) against `dev up`.
@Suite struct AccelerateTests {
    @Test func theExtensionSeesTheCacheAndTheLimits() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            let program = URL(filePath: #filePath).deletingLastPathComponent().path() + "accelerate.mjs"
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let tables = try String(contentsOfFile: bundle + "/shop/migrations/20260101000000_init/migration.sql", encoding: .utf8)
            try await fixture.psql(made.text("url"), tables)
            #expect(made["cache"] is NSNull)
            let result = try await Command.run(
                "node", [program, bundle, try made.text("prismaPostgresUrl"), fixture.devProgram], environment: fixture.environment,
                seconds: 120)
            #expect(
                result.status == 0 && result.output == "cache\nwrites\nflight\nlimits\nchaos\nok accelerate\n",
                "\(result.output)\(result.errors)")
            // What was kept goes with its instance.
            try await fixture.done("rm", "default", "--force")
            #expect(try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")["cache"] is NSNull)
        }
    }
}
