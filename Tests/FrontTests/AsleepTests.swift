import Basics
import Foundation
import PostgresWire
import TestSupport
import Testing

@testable import Front

/// Asleep, the front answers as the server would.
@Suite struct AsleepTests {
    /// What a client is told up to the salt of a user that does not exist.
    private static func salt(_ harness: FrontHarness, user: WireText) async throws -> String {
        try await onOwnThread {
            let client = try RawClient(port: harness.port)
            try client.send(StartupPacket(user: user, database: "postgres").encoded())
            #expect(try client.message() == .authentication(.sasl(["SCRAM-SHA-256"])))
            let scram = ScramClient(password: "guess", entropy: Array(repeating: 7, count: 18))
            try client.send(ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", scram.first()))
            guard case .authentication(.saslContinue(let challenge)) = try client.message() else { throw TestFailure("no challenge") }
            return String(decoding: challenge, as: UTF8.self).split(separator: ",").dropFirst().joined(separator: ",")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: (Variant.all + Variant.newer).filter { $0.mode != .marked })
    func aUserThatDoesNotExistHasTheSameSaltAsAwake(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let names: [WireText] = ["nobody", "Eve", WireText(String(repeating: "x", count: 70))]
            var awake: [String] = []
            for name in names { awake.append(try await Self.salt(harness, user: name)) }
            #expect(Set(awake).count == 3 && awake.allSatisfy { $0.hasPrefix("s=") && $0.hasSuffix(",i=4096") }, "\(awake)")
            try await harness.instances.sleep()
            for (name, salt) in zip(names, awake) { #expect(try await Self.salt(harness, user: name) == salt) }
            #expect(await harness.instances.wakes == 0)
        }
    }

    /// Protocol versions and options are negotiated before the login, in the server's words.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all + Variant.newer)
    func newerProtocolsDoNotWakeIt(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let wanted = [
                StartupPacket(user: "postgres", database: "postgres", minorVersion: 2),
                StartupPacket(user: "postgres", database: "postgres", [.init("_pq_.a", "1"), .init("_pq_.b", "2")]),
                StartupPacket(user: "postgres", database: "postgres", [.init("_pq_.a", "1")], minorVersion: 9_999),
            ]
            func beginnings(_ password: String) async throws -> [[BackendMessage]] {
                try await onOwnThread {
                    try wanted.map { packet in
                        let messages = try RawClient(port: harness.port).login(packet, password: password)
                        #expect(messages.isReady == (password == PostgresCluster.password))
                        // The nonces behind it are new each time.
                        return Array(messages.prefix { $0.type != UInt8(ascii: "R") } + messages.suffix(1))
                    }
                }
            }
            let awake = try await beginnings("wrong")
            #expect(awake.map(\.count) == (variant.postgres.major >= 18 ? [1, 2, 2] : [2, 2, 2]))
            try await harness.instances.sleep()
            let asleep = try await beginnings("wrong")
            #expect(asleep.map { $0.dropLast() } == awake.map { $0.dropLast() })
            #expect(asleep.allSatisfy { $0.failure?.code == "28P01" })
            #expect(await harness.instances.wakes == 0)
            for packet in wanted {
                let messages = try await onOwnThread {
                    let client = try RawClient(port: harness.port)
                    let messages = try client.login(packet, password: PostgresCluster.password)
                    #expect(try client.query("select 1").isReady)
                    return messages
                }
                // Told once.
                #expect(messages.filter { $0.type == UInt8(ascii: "v") }.count <= 1 && messages.isReady)
                try await harness.instances.sleep()
            }
            #expect(await harness.instances.wakes == wanted.count)
        }
    }

    /// Who comes while it goes down is judged by what the stop has read, and wakes nothing without a password.
    @Test(.timeLimit(.minutes(10)), arguments: [("wrong", 0), (PostgresCluster.password, 1)])
    func aLoginWaitsForTheEndOfAStop(_ password: String, _ wakes: Int) async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            await harness.instances.beginStop()
            let result = Task { try await harness.psql(harness.url(password: password), "select 1") }
            await harness.instances.waitedFor()
            try await harness.instances.sleep()
            #expect(try await result.value.status == (wakes == 0 ? 2 : 0))
            #expect(await harness.instances.wakes == wakes)
        }
    }

    /// A server that fell asleep between the look and the connect is woken by nobody who has not proved the password.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all.prefix(2))
    func aServerThatFallsAsleepAtThatMomentIsNotWoken(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await harness.instances.sleep()
            await harness.instances.beBlind(1, thenAsleep: true)
            let wrong = try await harness.psql(harness.url(password: "wrong"), "select 1")
            #expect(wrong.errors.contains("password authentication failed"), "\(wrong.errors)")
            #expect(await harness.instances.wakes == 0)
            await harness.instances.beBlind(1, thenAsleep: true)
            #expect(try await harness.query("select 1") == "1")
            #expect(await harness.instances.wakes == 1)
        }
    }
}
