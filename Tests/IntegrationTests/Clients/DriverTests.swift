import Foundation
import TestSupport
import Testing

/// Prisma's serverless drivers, as they are, on the daemon's HTTP port (`drivers.mjs`).
@Suite struct DriverTests {
    private let folder = URL(filePath: #filePath).deletingLastPathComponent().path()

    /// A database of its own with the tables of `shop/`.
    private func shop(_ name: String, _ fixture: DaemonFixture, _ bundle: String) async throws {
        let tables = try String(contentsOfFile: bundle + "/shop/migrations/20260101000000_init/migration.sql", encoding: .utf8)
        let url = try await fixture.done("url")
        try await fixture.psql(url, "create database \(name)")
        try await fixture.psql(fixture.done("url", "--database", name), tables)
    }

    @Test func stockDriversRun() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            try await fixture.up()
            try await shop("shop", fixture, bundle)
            let config = try await fixture.done("url", "--serverless", "--database", "shop")
            let daemon = try #require(fixture.daemonPid)
            func run(_ part: String, _ config: String = config, _ more: String = String(daemon)) async throws {
                let result = try await Command.run("node", [folder + "drivers.mjs", bundle, config, part, more], seconds: 180)
                #expect(result.status == 0 && result.output == "ok \(part)\n", "\(result.output)\(result.errors.suffix(3000))")
            }
            for part in ["statements", "sessions", "big", "killed", "lost", "access", "prisma"] { try await run(part) }
            for part in ["wake", "wakeSession"] {
                try await fixture.done("stop", "default", "--yes")
                try await run(part)
            }
            try await fixture.up("own", "-p", String(FreePort.find()))
            try await run("own", fixture.done("url", "own", "--serverless"), config)
        }
    }

    /// What was recorded of the drivers, and of a client over them, is answered byte by byte the same, but for spaces.
    @Test func recordedExchangesAreAnswered() async throws {
        guard let bundle = await JavaScriptBundle.folder(), let vectors = JavaScriptBundle.shared("spec/vectors/ppg") else { return }
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up()
            try await shop("shop", fixture, bundle)
            try await fixture.psql(url, "create database plain")
            try await fixture.psql(
                fixture.done("url", "--database", "plain"), "create table t(id serial primary key, email text unique, note text)")
            let config = try await fixture.done("url", "--serverless")
            let result = try await Command.run("node", [folder + "vectors.mjs", bundle, vectors, config, "plain", "shop"], seconds: 120)
            #expect(result.status == 0 && result.output == "exchanges 46\n", "\(result.output)\(result.errors)")
        }
    }
}
