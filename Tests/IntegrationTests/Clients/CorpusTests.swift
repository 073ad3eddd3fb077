import Foundation
import TestSupport
import Testing

/// Recorded exchanges of stock Prisma clients, sent again by their own replayer and compared with the reference's answers and
/// database states. What may differ stands in docs/compatibility.md.
@Suite struct CorpusTests {
    /// One file each: areas run side by side.
    static let areas = [
        "accelerate", "aggregate", "batch", "big", "connection", "create", "errors", "filter", "http", "native", "nested", "paging",
        "raw", "read", "relations", "telemetry", "tx", "update",
    ]
    /// Cases in which the reference is wrong, or a server of ours must not do as it does.
    static let divergences: Set<String> = ["http/no-authorization"]

    @Test(arguments: areas)
    func everyRecordedAnswerIsOurs(area: String) async throws {
        guard let bundle = await JavaScriptBundle.folder(), let corpus = JavaScriptBundle.shared("corpus") else { return }
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--password", "postgres", "--db-port", "0", "--shadow-db-port", "0")
            let seed = try made.text("url").replacingOccurrences(of: "/template1", with: "/corpus_seed")
            try await fixture.psql(made.text("url"), "CREATE DATABASE corpus_seed")
            // The answers depend on it: who waited first is the victim.
            try await fixture.psql(made.text("url"), "ALTER SYSTEM SET deadlock_timeout = '300ms';\nSELECT pg_reload_conf();")
            for file in ["schema.sql", "seed.sql"] {
                let loaded = try await Command.run("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", seed, "-f", "\(corpus)/\(file)"])
                try #require(loaded.status == 0, "\(loaded)")
            }
            let key = try await fixture.done("url", "--http", "--database", "corpus").trimmingCharacters(in: .newlines).components(
                separatedBy: "api_key="
            ).last
            let port = try #require(made["port"] as? Int)
            let report = fixture.home + "/../corpus-\(area).json"
            let result = try await Command.run(
                "/bin/sh",
                [
                    "-c", "cd \"$1\" && shift && exec node \"$@\"", "sh", bundle, "\(corpus)/replay.mjs", "--base-url",
                    try made.text("httpUrl"), "--pg",
                    "postgres://postgres:postgres@localhost:\(port)/postgres", "--api-key", try #require(key), "--json", report,
                    "\(corpus)/cases/\(area).json",
                ], seconds: 600)
            let cases = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: report))) as? [[String: Any]] ?? []
            try? FileManager.default.removeItem(atPath: report)
            #expect(cases.count > 0, "\(result)")
            for one in cases where one["result"] as? String == "fail" {
                let name = one["name"] as? String ?? ""
                #expect(CorpusTests.divergences.contains(name), "\(name): \(one["diff"] ?? "")")
            }
        }
    }
}
