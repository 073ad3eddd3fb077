import Foundation
import TestSupport
import Testing

/// The daemon's death is nothing to those whom it has handed over.
@Suite struct KilledDaemonTests {
    @Test(arguments: Passage.handedOff)
    func sessionsUnderLoadNoticeNothing(_ passage: Passage) async throws {
        try await DaemonFixture.run(installation: passage.installation) { fixture in
            try await fixture.up(ports: DaemonFixture.ownPorts())
            let made = try await fixture.facts("status")
            #expect(made["front"] as? String == "handoff")
            let url = try made.text("url")
            let pgbench = passage.installation.program("pgbench")
            #expect(try await Command.run(pgbench, ["-i", "-s", "1", "-q", url]).status == 0)

            // 8 seconds of load, of which the first half second has passed when the daemon dies.
            let load = ["-n", "-c", "4", "-t", "300", "-R", "150", url]
            let (sleeper, summary) = try await fixture.beside(pgbench, load) { _ in
                let sleep = ["-X", "-d", url, "-c", "select pg_sleep(60) /* canceled later */"]
                let (_, sleeper) = try await fixture.beside(passage.installation.program("psql"), sleep) { psql in
                    try await fixture.wait(
                        url,
                        until: """
                            select count(*) > 75 and exists (select from pg_stat_activity where state = 'active'
                                and query like '%canceled later%' and pid <> pg_backend_pid()) from pgbench_history
                            """)
                    try await fixture.killDaemon()
                    let killed = Date().timeIntervalSince1970
                    let found = try await fixture.facts("up")
                    #expect(found["pid"] as? Int == made["pid"] as? Int, "adopted, not restarted")
                    for key in ["url", "shadowUrl", "prismaUrl", "prismaPostgresUrl"] { #expect(try found.text(key) == made.text(key)) }
                    let later = "select exists (select from pgbench_history where mtime > to_timestamp(\(killed)) at time zone 'UTC')"
                    #expect(try await fixture.psql(url, later) == "t", "the load was over too soon")
                    // A cancel request reaches a session that the daemon before handed over.
                    psql.signal(SIGINT)
                }
                return sleeper
            }
            #expect(sleeper.status == 1 && sleeper.errors.contains("canceling statement due to user request"), "\(sleeper)")
            #expect(summary.status == 0 && summary.output.contains("number of failed transactions: 0"), "\(summary)")
            #expect(summary.output.contains("number of transactions actually processed: 1200/1200"), "\(summary)")
            #expect(try await fixture.psql(url, "select count(*) from pgbench_history") == "1200")
            #expect(try fixture.starts(made) == 1)
        }
    }
}
