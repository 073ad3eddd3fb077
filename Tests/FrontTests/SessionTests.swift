import Foundation
import PostgresWire
import TestSupport
import Testing

@testable import Front

/// A client can't tell the front from PostgreSQL.
@Suite struct SessionTests {
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all + Variant.newer)
    func aSessionIsLikeADirectOne(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            #expect(try await harness.query("select 1") == "1")
            #expect(try await harness.query("select 1", url: harness.url(host: "localhost")) == "1")
            #expect(try await harness.query("select 1", url: harness.url(host: "[::1]")) == "1")
            let address = try await harness.query("select coalesce(host(inet_client_addr()), 'local')")
            #expect(address == (variant.mode == .unmarked ? "local" : "127.0.0.1"))
            await harness.instances.sessions(0, of: 4)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func databasesAndParametersAreRouted(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let main = harness.url(database: "template1")
            #expect(try await harness.query("select current_database()", url: main) == "postgres")
            let shadow = harness.url(database: "template1", port: harness.shadowPort)
            #expect(try await harness.query("select current_database()", url: shadow) == "devdb_shadow")
            #expect(try await harness.query("select current_database()", url: shadow) == "devdb_shadow")
            let options = harness.url(parameters: "&application_name=hello&options=-c%20work_mem%3D8MB")
            #expect(
                try await harness.query("select current_setting('work_mem') || current_setting('application_name')", url: options)
                    == "8MBhello")
            // Another database of the server is as it is on both ports; CREATE DATABASE works because nobody is in template1.
            #expect(try await harness.psql(harness.url(), "create database other").status == 0)
            #expect(
                try await harness.query("select current_database()", url: harness.url(database: "other", port: harness.shadowPort))
                    == "other")
            #expect(try await harness.psql(harness.url(), "drop database other with (force)").status == 0)
            let missing = try await harness.psql(harness.url(database: "nowhere"), "select 1")
            #expect(missing.errors.contains("FATAL:  database \"nowhere\" does not exist"))
            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                let packet = StartupPacket(
                    user: "postgres", database: "postgres",
                    [
                        .init("connection_limit", "10"), .init("pool_timeout", "0"), .init("statement_timeout", "7s"),
                        .init("pgbouncer", "true"),
                    ])
                #expect(try client.login(packet, password: PostgresCluster.password).isReady)
                #expect(try client.query("show statement_timeout").contains { "\($0)".contains("55, 115") })
                let unknown = try RawClient(port: harness.port)
                let refused = StartupPacket(user: "postgres", database: "postgres", [.init("no_such_setting", "1")])
                #expect(try unknown.login(refused, password: PostgresCluster.password).failure?.code == "42704")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func passwordsAreJudgedAsByPostgreSQL(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let wrong = try await harness.psql(harness.url(password: "wrong"), "select 1")
            #expect(wrong.errors.contains("FATAL:  password authentication failed for user \"postgres\""))
            let unknown = try await harness.psql(harness.url(user: "nobody"), "select 1")
            #expect(unknown.errors.contains("FATAL:  password authentication failed for user \"nobody\""))
            try await harness.cluster.sql(
                """
                create role anna login password 'a1'; set password_encryption = 'md5'; create role max login password 'm1';
                create role guest password 'g1';
                """)
            #expect(try await harness.query("select current_user", url: harness.url(user: "anna", password: "a1")) == "anna")
            #expect(try await harness.query("select current_user", url: harness.url(user: "max", password: "m1")) == "max")
            let guest = try await harness.psql(harness.url(user: "guest", password: "g1"), "select 1")
            #expect(guest.errors.contains("FATAL:  role \"guest\" is not permitted to log in"))
            // A change counts at once, for the owner too.
            try await harness.cluster.sql("alter role anna password 'a2'; alter role postgres password 'new'")
            #expect(try await harness.psql(harness.url(user: "anna", password: "a1"), "select 1").status == 2)
            #expect(try await harness.query("select 2", url: harness.url(user: "anna", password: "a2")) == "2")
            #expect(try await harness.psql(harness.url(), "select 1").status == 2)
            #expect(try await harness.query("select 3", url: harness.url(password: "new")) == "3")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func cancelAndTerminateReachTheSession(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let child = try Child.start("psql", ["-XqAt", harness.url(), "-c", "select pg_sleep(60)"])
            try await harness.cluster.wait(until: "select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(60)'")
            child.signal(SIGINT)
            let result = try await onOwnThread { child.wait(seconds: 20) }
            #expect(result.errors.contains("ERROR:  canceling statement due to user request"))

            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                #expect(try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password).isReady)
                let last = try client.query("select pg_terminate_backend(pg_backend_pid())")
                #expect(last.failure?.code == "57P01")
                #expect(try client.message() == nil)
                // Keys that are not a backend's do nothing.
                let stray = try RawClient(port: harness.port)
                try stray.send(CancelRequest(pid: 1, key: [1, 2, 3, 4]).encoded())
                #expect(try stray.drain().isEmpty)
            }
            // A stop says goodbye to all, and their sockets end.
            let idle = try await onOwnThread {
                let client = try RawClient(port: harness.port)
                try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password)
                return Box(client)
            }
            try await harness.cluster.stop()
            try await onOwnThread {
                let last = try idle.value.message()
                #expect([last].compactMap { $0 }.failure?.code == "57P01")
                #expect(try idle.value.message() == nil)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func copyGoesBothWays(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let file = harness.cluster.directory + "/copy-\(UInt32.random(in: 0 ... .max))"
            let made = try await harness.psql(
                harness.url(), "create table t as select g, md5(g::text) from generate_series(1, 200000) g", "\\copy t to '\(file)'",
                "create table u (like t)", "\\copy u from '\(file)'", "select count(*), sum(g) from u")
            #expect(made.output == "200000|20000100000\n", "\(made.errors)")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func replicationConnectionsPass(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let logical = try await harness.psql(harness.url(parameters: "&replication=database"), "IDENTIFY_SYSTEM")
            #expect(logical.output.contains("|postgres"), "\(logical.errors)")
            let program = harness.cluster.installation.program("pg_basebackup")
            guard FileManager.default.isExecutableFile(atPath: program) else { return }
            let target = "/tmp/devdb-test-basebackup-\(UInt32.random(in: 0 ... .max))"
            defer { try? FileManager.default.removeItem(atPath: target) }
            let backup = try await Command.run(
                program, ["-D", target, "-X", "stream", "-c", "fast", "-d", harness.url()])
            #expect(backup.status == 0, "\(backup.errors)")
            #expect(FileManager.default.fileExists(atPath: target + "/backup_label"))
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all + Variant.newer)
    func newerProtocolsAreNegotiatedByTheServer(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                let packet = StartupPacket(user: "postgres", database: "postgres", [.init("_pq_.nonsense", "1")], minorVersion: 2)
                let messages = try client.login(packet, password: PostgresCluster.password)
                #expect(messages.isReady)
                var newest: UInt32?
                for case .negotiateProtocolVersion(let version, let options) in messages {
                    newest = version
                    #expect(options == ["_pq_.nonsense"])
                }
                #expect(newest == (variant.postgres.major >= 18 ? 0x30002 : 0x30000))
                #expect(try client.query("select 1").isReady)
            }
        }
    }

    // Unmarked, the front asks the server for the owner's verifier, which has no room for that either: the words are its own.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func aFullServerSaysSo(_ variant: Variant) async throws {
        try await FrontHarness.with(
            variant, settings: ["max_connections": "5", "superuser_reserved_connections": "0", "max_wal_senders": "0"]
        ) { harness in
            try await onOwnThread {
                var clients: [RawClient] = []
                var failure: ServerMessage?
                for _ in 0..<8 where failure == nil {
                    let client = try RawClient(port: harness.port)
                    failure = try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password).failure
                    clients.append(client)
                }
                #expect(failure?.code == "53300" && failure?.message == "sorry, too many clients already", "\(String(describing: failure))")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func aClientThatDiesDisturbsNobody(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let child = try Child.start(
                "psql", ["-XqAt", harness.url(), "-c", "select repeat('x', 1000), generate_series(1, 1000000000)"])
            try await harness.cluster.wait(
                until: "select count(*) = 1 from pg_stat_activity where query ~ '1000000000' and pid <> pg_backend_pid()")
            child.signal(SIGKILL)
            _ = try await onOwnThread { child.wait() }
            await harness.instances.sessions(0, of: 1)
            #expect(try await harness.query("select 1") == "1")
        }
    }
}

/// For values that only one thread uses at a time.
final class Box<Value>: @unchecked Sendable {
    // Handed from one thread to the next by an await.
    let value: Value
    init(_ value: Value) { self.value = value }
}
