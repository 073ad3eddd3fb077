import Foundation
import TestSupport
import Testing

/// PostgreSQL's own programs, as people use them on the plain URL.
@Suite struct PostgresToolTests {
    @Test(arguments: Passage.all)
    func benchDumpBaseBackupCancel(_ passage: Passage) async throws {
        try await DaemonFixture.run(installation: passage.installation) { fixture in
            let program = passage.installation.program
            let made = try await fixture.facts("up", "one", "--db-port", "0", "--shadow-db-port", "0", "--front", passage.front)
            #expect(made["front"] as? String == passage.front && made["frontReason"] is NSNull)
            let url = try made.text("url")

            let filled = try await Command.run(program("pgbench"), ["-i", "-s", "1", "-q", url])
            #expect(filled.status == 0, "\(filled)")
            for mode in ["simple", "extended", "prepared"] {
                let ran = try await Command.run(program("pgbench"), ["-n", "-c", "4", "-t", "25", "-M", mode, url])
                #expect(ran.status == 0 && ran.output.contains("actually processed: 100/100"), "\(ran)")
            }

            // 13 MB in one stream out of one server and into another.
            let second = try await fixture.up("two", "--front", passage.front)
            let copied = try await Command.run(
                "/bin/sh",
                [
                    "-c", #"{ "$1" -d "$3" || echo 'select 1/0;'; } | "$2" -Xq -v ON_ERROR_STOP=1 -d "$4" >/dev/null"#, "sh",
                    program("pg_dump"), program("psql"), url, second,
                ])
            #expect(copied.status == 0, "\(copied)")
            let sums = """
                select count(*), sum(abalance), md5(string_agg(aid || ':' || abalance, ',' order by aid)) from pgbench_accounts;
                select count(*), sum(delta) from pgbench_history
                """
            let before = try await fixture.psql(url, sums)
            #expect(before.hasPrefix("100000|") && before.contains("\n300|"))
            #expect(try await fixture.psql(second, sums) == before)

            let folder = fixture.directory + "/backup"
            let backup = try await Command.run(program("pg_basebackup"), ["-d", url, "-D", folder, "-X", "stream", "-c", "fast"])
            #expect(backup.status == 0, "\(backup)")
            let verified = try await Command.run(program("pg_verifybackup"), [folder])
            #expect(verified.status == 0, "\(verified)")

            // Ctrl-C: psql sends a cancel request through a connection of its own.
            let (_, canceled) = try await fixture.beside(
                program("psql"), ["-X", "-d", url, "-c", "select pg_sleep(60) /* canceled later */"]
            ) { psql in
                try await fixture.wait(
                    url,
                    until: """
                        select exists (select from pg_stat_activity where state = 'active' and query like '%canceled later%'
                            and pid <> pg_backend_pid())
                        """)
                psql.signal(SIGINT)
            }
            #expect(canceled.status == 1 && canceled.errors.contains("canceling statement due to user request"), "\(canceled)")
            #expect(try fixture.starts(made) == 1)
        }
    }
}
