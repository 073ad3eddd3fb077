import Basics
import Foundation
import PostgresWire
import TestSupport
import Testing

@testable import Front

/// Clients and a server that sleeps, wakes, stops or fails.
@Suite struct SleepTests {
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func onlyWhoMayComeInWakesIt(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await harness.cluster.sql("create role anna login password 'a'")
            try await harness.instances.sleep()
            let wrong = try await harness.psql(harness.url(password: "wrong"), "select 1")
            #expect(wrong.errors.contains("FATAL:  password authentication failed for user \"postgres\""))
            let unknown = try await harness.psql(harness.url(user: "nobody"), "select 1")
            #expect(unknown.errors.contains("FATAL:  password authentication failed for user \"nobody\""))
            #expect(await harness.instances.wakes == 0)
            #expect(try await harness.query("select current_user || 1") == "postgres1")
            #expect(await harness.instances.wakes == 1)
            // BackendKeyData is the server's own: cancelling works.
            try await harness.instances.sleep()
            #expect(try await harness.query("select current_user", url: harness.url(user: "anna", password: "a")) == "anna")
            #expect(await harness.instances.wakes == 2)
            // After an unclean end nothing is known.
            try await harness.instances.sleep()
            await harness.instances.forget()
            #expect(try await harness.psql(harness.url(password: "wrong"), "select 1").status == 2)
            #expect(await harness.instances.wakes == 3)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all.prefix(3))
    func anMD5OwnerAndReplicationWakeItToo(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await harness.cluster.sql("set password_encryption = 'md5'; alter role postgres password 'm'")
            try await harness.instances.sleep()
            #expect(try await harness.psql(harness.url(password: "n"), "select 1").errors.contains("password authentication failed"))
            #expect(await harness.instances.wakes == 0)
            let logical = try await harness.psql(harness.url(password: "m", parameters: "&replication=database"), "IDENTIFY_SYSTEM")
            #expect(logical.output.contains("|postgres"), "\(logical.errors)")
            #expect(await harness.instances.wakes == 1)
        }
    }

    /// The next daemon waits for those who wait for a start, and not for those who say no more.
    @Test(.timeLimit(.minutes(10)))
    func aDaemonThatLeavesTakesThemToTheirServer() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            let silent = try RawClient(port: harness.port)
            // The system shows nobody who has not said anything yet.
            try silent.send([0])
            try await harness.instances.sleep()
            await harness.instances.hold()
            let early = Task { try await harness.query("select 1") }
            await harness.instances.waitedFor()
            // Not for ever.
            await harness.front.drain(within: .milliseconds(20), start: .milliseconds(100))
            #expect(await harness.front.counts.waiting == 2)
            async let drained: Void = harness.front.drain(within: .milliseconds(20), start: .seconds(60))
            await harness.instances.letGo()
            #expect(try await early.value == "1")
            await drained
            #expect(await harness.front.counts.waiting == 1)
            withExtendedLifetime(silent) {}
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func manyAtOnceWakeItOnce() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            try await harness.instances.sleep()
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await harness.query("select 1") } }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers == Array(repeating: "1", count: 20))
            #expect(await harness.instances.wakes == 1)
        }
    }

    /// The address is known but nobody is there, then somebody who is not ready: clients notice nothing.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all.filter { $0.mode != .unmarked })
    func aServerThatGoesIsTriedAgain(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await harness.cluster.stop()
            await harness.instances.beBlind(3)
            let early = Task { try await harness.query("select 1", url: harness.url(user: "postgres")) }
            await harness.instances.seeing()
            try await harness.cluster.restart()
            #expect(try await early.value == "1")
        }
    }

    /// A smart stop refuses new sessions with 57P03 while an old one is left.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all.filter { $0.mode != .unmarked })
    func clientsNeverSeeThatItIsShuttingDown(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let holder = try Child.start("psql", ["-XqAt", harness.url(), "-c", "select pg_sleep(600)"])
            try await harness.cluster.wait(until: "select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600)'")
            kill(try harness.cluster.pid, SIGTERM)
            try await onOwnThread { try harness.cluster.untilLogged("received smart shutdown request") }
            let client = Task { try await harness.query("select 1") }
            try await onOwnThread { try harness.logged.wait(for: "again") }
            holder.signal(SIGKILL)
            kill(try harness.cluster.pid, SIGINT)
            try await harness.cluster.stop()
            try await harness.cluster.restart()
            #expect(try await client.value == "1")
            _ = try await onOwnThread { holder.wait() }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatKeepsItFromStartingIsTheClientsToRead() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            try await harness.instances.sleep()
            await harness.instances.fail(
                DevError(.broken, "default does not start", object: "default", cause: "disk on fire", help: "Run dev start default"))
            let result = try await harness.psql(harness.url(), "select 1")
            #expect(result.errors.contains("FATAL:  default does not start"))
            #expect(result.errors.contains("disk on fire"))
            #expect(result.errors.contains("Run dev start default"))
        }
    }

    /// Who goes while the server starts costs nothing more.
    @Test(.timeLimit(.minutes(10)))
    func whoLeavesWhileWaitingIsForgotten() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            try await harness.instances.sleep()
            await harness.instances.forget()
            await harness.instances.hold()
            let client = try await onOwnThread {
                let client = try RawClient(port: harness.port)
                let packet = StartupPacket(user: "postgres", database: "postgres")
                try client.send(packet.encoded())
                return Box(client)
            }
            await harness.instances.waitedFor()
            client.value.endWriting()
            try await onOwnThread { try harness.logged.wait(for: "client left") }
            #expect(await harness.front.counts.waiting == 0)
            await harness.instances.letGo()
        }
    }
}
