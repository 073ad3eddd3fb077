import TestSupport
import Testing

/// `ALTER ROLE` in the server makes the URLs' password an old one.
@Suite struct OldPasswordTests {
    @Test func itIsSaidAwakeAndAsleep() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("shop")
            #expect(try await fixture.dev("status", "shop").errors == "")
            try await fixture.psql(url, "ALTER ROLE postgres PASSWORD 'own'")
            #expect(try await fixture.dev("url", "shop").errors.contains("Run dev config set password VALUE -n shop"))
            for asleep in [false, true] {
                if asleep { try await fixture.done("stop", "shop", "--yes") }
                for words in [["status", "shop"], ["psql", "shop", "--", "-c", "SELECT 1"], ["env", "shop"], ["url", "shop"]] {
                    let said = try await fixture.dev(words)
                    #expect(said.errors.contains("Run dev config set password VALUE -n shop"), "\(asleep) \(words): \(said)")
                    #expect(!said.errors.contains("own\n"))
                }
            }
            try await fixture.done("config", "set", "password", "own", "-n", "shop")
            let said = try await fixture.dev("url", "shop")
            #expect(said.errors == "" && said.output.contains(":own@"), "\(said)")
            #expect(try await fixture.dev("status", "shop").errors == "")
            #expect(try await fixture.dev("psql", "shop", "--", "-Atc", "SELECT 1").output == "1\n")
            try await fixture.done("stop", "shop", "--yes")
            #expect(try await fixture.dev("status", "shop").errors == "")
        }
    }
}
