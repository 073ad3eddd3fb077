import Foundation
import TestSupport
import Testing

/// What `.env` files of JavaScript projects are read by.
@Suite struct JavaScriptTests {
    /// postgres.js sends what it does not know in a URL to the server, Prisma's parameters among them.
    @Test func driversTakeEveryURL() async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let program = """
                const load = require('node:module').createRequire(process.env.BUNDLE + '/examples/')
                const { Client } = load('pg'), postgres = load('postgres')
                async function main() {
                    for (const url of process.argv.slice(1)) {
                        const c = new Client(url)
                        await c.connect()
                        console.log('pg', (await c.query('select current_database() as d, $1::int + 1 as n', [41])).rows[0].n)
                        await c.end()
                        const sql = postgres(url, { max: 4 })
                        const rows = await Promise.all([1, 2, 3, 4].map((i) => sql`select ${i}::int * 2 as n`))
                        console.log('postgres.js', rows.map((r) => r[0].n).join())
                        const [{ channel }] = await sql`select 'news' as channel`
                        const heard = new Promise((ok) => sql.listen(channel, ok, () => sql.notify(channel, 'hello')))
                        console.log('heard', await heard)
                        await sql.end()
                    }
                }
                main().catch((e) => { console.error(e); process.exit(1) })
                """
            let urls = try [made.text("prismaUrl"), made.text("url"), made.text("shadowUrl")]
            for front in ["handoff", "pump"] {
                if front == "pump" {
                    try await fixture.done("config", "set", "front", "pump")
                    try await fixture.done("stop", "default", "--yes")
                }
                let result = try await Command.run("node", ["-e", program] + urls, environment: ["BUNDLE": bundle], seconds: 60)
                #expect(result.status == 0, "\(front): \(result)")
                #expect(result.output == String(repeating: "pg 42\npostgres.js 2,4,6,8\nheard hello\n", count: urls.count), "\(front)")
                #expect(try await fixture.facts("status")["front"] as? String == front)
            }
            let examples = try await Command.run(
                "node", [bundle + "/examples/drivers.mjs"], environment: ["DATABASE_URL": made.text("prismaUrl")])
            #expect(examples.output.hasSuffix("ok drivers\n"), "\(examples)")
        }
    }

    enum Migration: String, CaseIterable {
        case automaticShadow, configuredShadow, http
    }

    /// Every schema command of Prisma's CLI with an automatic shadow database; its chief one with ours, by either URL.
    @Test(arguments: Migration.allCases)
    func prismaMigrates(_ kind: Migration) async throws {
        guard let bundle = await JavaScriptBundle.folder() else { return }
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let database = kind == .http ? "postgres" : "prisma_example"
            var environment = ["DATABASE_URL": try url(made.text("url"), database: database)]
            switch kind {
            case .automaticShadow: break
            case .configuredShadow: environment["SHADOW_DATABASE_URL"] = try await fixture.done("url", "--shadow")
            case .http: environment["DATABASE_URL"] = try await fixture.done("url", "--http")
            }
            // A machine with much else to do needs minutes for a dozen starts of node.
            let script =
                kind == .automaticShadow
                ? #"sh "$0/examples/migrate.sh""#
                : #"""
                set -e; mkdir project; cd project; ln -s "$0/node_modules" node_modules
                cp "$0/shop/schema.prisma" "$0/shop/prisma.config.mjs" .
                "$0/bin/prisma" migrate dev --name init
                "$0/bin/prisma" migrate diff --from-migrations migrations --to-schema schema.prisma --exit-code
                echo ok migrate
                """#
            let result = try await Command.run(
                "/bin/sh", ["-c", "cd \"$1\"; \(script)", bundle, fixture.directory], environment: environment, seconds: 900)
            #expect(result.status == 0 && result.output.hasSuffix("ok migrate\n"), "\(result)")
            let there = "select to_regclass('\"User\"') is not null and to_regclass('_prisma_migrations') is not null"
            #expect(try await fixture.psql(url(made.text("url"), database: database), there) == "t")
            // Automatic shadow databases are gone again, and ours was used where it was named.
            let shadows = "select count(*) from pg_database where datname like 'prisma_migrate%'"
            #expect(try await fixture.psql(made.text("url"), shadows) == "0")
        }
    }
}
