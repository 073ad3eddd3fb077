import Foundation
import TestSupport
import Testing

/// Roles that people create log in with passwords of their own, and a change counts at once, awake and asleep.
@Suite struct RoleTests {
    @Test(arguments: Passage.all)
    func passwordsOfRoles(_ passage: Passage) async throws {
        try await DaemonFixture.run(installation: passage.installation) { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0", "--front", passage.front)
            let owner = try made.text("url")
            try await fixture.psql(
                owner,
                """
                set password_encryption = 'scram-sha-256'; create role sam login password 'one';
                set password_encryption = 'md5'; create role mia login password 'one';
                """)
            func enters(_ user: String, _ password: String, _ url: String) async throws -> Bool {
                let result = try await Command.run(
                    passage.installation.program("psql"), ["-XAtq", "-d", url, "-c", "select current_user"],
                    environment: ["PGUSER": user, "PGPASSWORD": password])
                if result.status == 0 { return result.output == user + "\n" }
                let words = "FATAL:  password authentication failed for user \"\(user)\""
                #expect(result.status == 2 && result.errors.contains(words), "\(user), \(password): \(result)")
                return false
            }
            // Without user and password: the variables count.
            let bare = owner.replacing(#/\/\/[^@]*@/#, with: "//")
            let schemes = ["scram-sha-256", "md5"]
            for asleep in [false, true] {
                for (role, scheme) in zip(["sam", "mia"], schemes) {
                    try await fixture.psql(owner, "set password_encryption = '\(scheme)'; alter role \(role) password 'one'")
                    #expect(try await enters(role, "one", bare))
                    try await fixture.psql(owner, "set password_encryption = '\(scheme)'; alter role \(role) password 'two'")
                    if asleep { try await fixture.done("stop", "default", "--yes") }
                    #expect(try await !enters(role, "one", bare))
                    #expect(try await enters(role, "two", bare))
                }
            }
            #expect(try await !enters("nobody", "one", bare))

            // The owner, with either kind of password.
            var secret = try made.text("password")
            for (asleep, scheme) in [(false, "md5"), (true, "scram-sha-256"), (true, "md5"), (false, "scram-sha-256")] {
                let new = "\(scheme)-\(asleep)"
                try await fixture.psql(
                    url(owner, password: secret), "set password_encryption = '\(scheme)'; alter role postgres password '\(new)'")
                if asleep { try await fixture.done("stop", "default", "--yes") }
                let before = fixture.postmasters
                #expect(try await !enters("postgres", secret, bare))
                #expect(try await !enters("nobody", "one", bare))
                #expect(fixture.postmasters == before, "a wrong password wakes nothing")
                #expect(try await enters("postgres", new, bare), "\(scheme), asleep: \(asleep)")
                secret = new
            }
        }
    }

    @Test func shadowRunEnvironmentPsqlAndRows() async throws {
        try await DaemonFixture.run { fixture in
            // A client of another test's dead daemon must not come here: it would wake what is being stopped.
            let owner = try await fixture.up("app", ports: DaemonFixture.ownPorts())
            try await fixture.psql(owner, "create table kept as select 7 as n")
            #expect(try await fixture.psql(owner, "select current_database()") == "postgres")
            // The other database has nothing of the main one's.
            let shadow = try await fixture.done("url", "app", "--shadow")
            #expect(try await fixture.psql(shadow, "select current_database(), to_regclass('kept') is null") == "devdb_shadow|t")
            try await fixture.psql(owner, "create database other")
            #expect(try await fixture.psql(url(owner, database: "other"), "select current_database()") == "other")

            #expect(try await fixture.done("run", "app", "--", "psql", "-XAtc", "table kept") == "7")
            #expect(try await fixture.dev("run", "app", "--", "sh", "-c", "exit 9").status == 9)
            #expect(try await fixture.done("psql", "app", "--", "-XAtc", "table kept") == "7")
            let file = fixture.directory + "/.env"
            try "# mine\nDATABASE_URL=\"old\"\nOTHER=1\n".write(toFile: file, atomically: true, encoding: .utf8)
            try await fixture.done("env", "app", "--write", ".env")
            let read = "set -a; . ./.env; psql -XAtd \"$DATABASE_URL\" -c 'table kept'; psql -XAtc 'table kept'; echo $OTHER"
            let sourced = try await Command.run("/bin/sh", ["-c", "cd \"$0\"; \(read)", fixture.directory])
            #expect(sourced.output == "7\n7\n1\n", "\(sourced)")

            try await fixture.done("stop", "app", "--yes")
            #expect(try await fixture.psql(owner, "table kept") == "7")
            try await fixture.done("stop", "app", "--yes")
            try await fixture.done("rm", "app", "--yes")
            try await fixture.done("undo", "rm", "app")
            #expect(try await fixture.done("url", "app") == owner)
            #expect(try await fixture.psql(owner, "table kept") == "7")
        }
    }
}
