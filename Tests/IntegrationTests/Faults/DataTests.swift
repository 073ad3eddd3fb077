import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What is wrong lies in the data directory.
@Suite struct DataTests {
    /// The pid in a lock file that a dead server left is somebody else's now: never killed, never in the way.
    @Test func aReusedPid() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let other = try await fixture.filled("other")
            let lock = made.dataDirectory + "/postmaster.pid"
            let text = try String(contentsOfFile: lock, encoding: .utf8)
            let rest = try text[#require(text.firstIndex(of: "\n"))...]
            // Its fifth line is the socket folder, which has a lock of its own.
            let socketLock = try #require(text.components(separatedBy: "\n").dropFirst(4).first) + "/.s.PGSQL.5432.lock"
            let sleeper = try Child.start("sleep", ["600"])
            defer {
                sleeper.signal(SIGKILL)
                _ = sleeper.wait(seconds: 5)
            }
            let steady = try Client.start(other.url, named: "steady")
            steady.send("BEGIN;\n")
            try await fixture.sees(other, client: "steady", state: "idle in transaction")
            let postmaster = try #require(other.pid)

            // A program of whoever; another instance's server; the test itself; the first of all processes; the daemon.
            let strangers: [Int32?] = [sleeper.pid, postmaster, getpid(), 1, nil]
            for stranger in strangers {
                for daemonDies in stranger == nil ? [false] : [false, true] {
                    try await fixture.done("stop", "shop", "--yes")
                    if daemonDies { try await fixture.killDaemon() }
                    let pid = try #require(stranger ?? fixture.daemonPid)
                    for path in [lock, socketLock] {
                        // The folder of the socket goes with a server that ends in order.
                        guard FileManager.default.fileExists(atPath: (path as NSString).deletingLastPathComponent) else { continue }
                        try Data(("\(pid)" + rest).utf8).write(to: URL(filePath: path))
                    }
                    if daemonDies { try await fixture.done("daemon", "start") }
                    try await fixture.answersWithinASecond(
                        made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
                    #expect(isAlive(pid))
                }
            }
            steady.send("SELECT 'still here';\n")
            #expect(try await steady.end().output.contains("still here"))
            #expect(try Made(await fixture.dev("up", "other", "--json")).pid == other.pid)
        }
    }

    @Test func anotherMajorsData() async throws {
        try await withFault(installation: .any) { fixture in
            let made = try await fixture.filled()
            let path = made.dataDirectory + "/PG_VERSION"
            for major in ["9", "99"] {
                try await fixture.done("stop", "shop", "--yes")
                let file = try #require(FileHandle(forWritingAtPath: path))
                try file.truncate(atOffset: 0)
                try file.write(contentsOf: Data("\(major)\n".utf8))
                let client = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", "SELECT 1"])
                #expect(client.status != 0 && client.errors.contains(major), "\(client.errors)")
                let refused = try await fixture.refusal("start", "shop")
                #expect(refused.code == "no-postgres" || refused.code == "version-mismatch", "\(refused.code)")
                #expect(refused.text.contains("PostgreSQL \(major)"), "\(refused.text)")
                #expect(try await fixture.list().first?["state"] as? String == "broken")
                try file.truncate(atOffset: 0)
                try file.seek(toOffset: 0)
                try file.write(contentsOf: Data("\(PostgresInstallation.any.major)\n".utf8))
                try file.close()
                try await fixture.answersWithinASecond(
                    made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            }
        }
    }

    /// Two majors are there, and somebody put one's data in the place of the other's.
    @Test func theDataOfTwoMajorsSwapped() async throws {
        guard let newer = PostgresInstallation.all.first(where: { $0.major > PostgresInstallation.any.major }) else {
            return print("*** SKIPPED: swapped majors: one PostgreSQL only")
        }
        let bins = [PostgresInstallation.any.bin, newer.bin].joined(separator: ":")
        try await withFault(environment: ["DEVDB_PG_BIN": bins]) { fixture in
            let old = try await fixture.filled("old", rows: 1000, "--pg", "\(PostgresInstallation.any.major)")
            let new = try await fixture.filled("new", rows: 2000, "--pg", "\(newer.major)")
            try await fixture.done("stop", "old", "new", "--yes")
            // The whole folder but the version file, which names the wrong one now.
            let paths = [old, new].map { $0.dataDirectory + "/PG_VERSION" }
            let versions = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }
            for (path, version) in zip(paths, versions.reversed()) { try overwrite(path, version) }
            for (name, major) in [("old", newer.major), ("new", PostgresInstallation.any.major)] {
                let refused = try await fixture.refusal("start", name)
                #expect(refused.code == "version-mismatch" && refused.object == name, "\(major): \(refused.code): \(refused.text)")
            }
            for (path, version) in zip(paths, versions) { try overwrite(path, version) }
            try await fixture.answersWithinASecond(old, "SELECT count(*) FROM kept", expecting: "1000")
            try await fixture.answersWithinASecond(new, "SELECT count(*) FROM kept", expecting: "2000")
        }
    }

    /// What the person wrote into postgresql.conf keeps the server from starting: the setting is named.
    @Test func aBrokenConfiguration() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            for (file, line, named) in [
                ("postgresql.conf", "wrok_mem = 4MB", "wrok_mem"), ("postgresql.conf", "shared_buffers = lots", "shared_buffers"),
                ("postgresql.conf", "max_connections = -1", "max_connections"), ("postgresql.conf", "this is no setting", "line"),
                ("postgresql.conf", "shared_preload_libraries = 'nowhere_to_be_found'", "nowhere_to_be_found"),
                ("postgresql.conf", "ssl = on", "server.crt"),
                ("postgresql.conf", "superuser_reserved_connections = 200", "superuser_reserved_connections"),
                ("pg_hba.conf", "nonsense all all all trust", "pg_hba.conf"),
            ] {
                let path = made.dataDirectory + "/" + file
                let good = try String(contentsOfFile: path, encoding: .utf8)
                try overwrite(path, good + line + "\n")
                try await fixture.done("stop", "shop", "--yes")
                let client = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", "SELECT 1"])
                #expect(client.status != 0 && client.errors.contains(named), "\(line): \(client.errors)")
                let refused = try await fixture.refusal("start", "shop")
                #expect(
                    refused.code == "start-failed" && refused.object == "shop" && refused.cause.contains(named) && !refused.help.isEmpty,
                    "\(line): \(refused.code): \(refused.text)")
                let listed = try #require(try await fixture.list().first)
                #expect(listed["state"] as? String == "broken" && (listed["reason"] as? String)?.contains(named) == true, "\(listed)")
                try overwrite(path, good)
                try await fixture.answersWithinASecond(
                    made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            }
        }
    }

    /// Lines of the person's that would take the server from us have no effect.
    @Test func ourOwnSettingsStand() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let path = made.dataDirectory + "/postgresql.conf"
            let good = try String(contentsOfFile: path, encoding: .utf8)
            try overwrite(path, good + "port = 1\nlisten_addresses = '*'\nunix_socket_directories = '/nowhere'\nlogging_collector = on\n")
            try await fixture.done("stop", "shop", "--yes")
            try await fixture.answersWithinASecond(made, "SHOW listen_addresses", expecting: "")
        }
    }

    /// In place: the file stays the servers' user's.
    private func overwrite(_ path: String, _ text: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }
}
