import Foundation
import PostgresWire
import TestSupport
import Testing

@testable import Front

/// What clients may say before they have logged in, and what they must not.
@Suite struct StartupTests {
    private static let any = Variant.all[0]

    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func packetsMayComeByteByByte(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                for byte in ClientMessage.sslRequest() { try client.send([byte]) }
                #expect(try client.receive() == [UInt8(ascii: "N")])
                try client.send(ClientMessage.gssEncryptionRequest())
                #expect(try client.receive() == [UInt8(ascii: "N")])
                for byte in StartupPacket(user: "postgres").encoded() { try client.send([byte]) }
                #expect(try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password, sendStartup: false).isReady)
                // The longest packet that PostgreSQL takes: more than a backend reads at once.
                let long = try RawClient(port: harness.port)
                let packet = StartupPacket(
                    user: "postgres", database: "postgres",
                    [.init("options", WireText("-c a.b=" + String(repeating: "x", count: 9_940)))])
                #expect(try long.login(packet, password: PostgresCluster.password).isReady)
                #expect(try long.query("select length(current_setting('a.b'))").contains { "\($0)".contains("57, 57, 52, 48") })
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func garbageIsAnsweredAsByPostgreSQL() async throws {
        try await FrontHarness.with(Self.any) { harness in
            try await onOwnThread { () throws -> Void in
                func answer(_ bytes: [UInt8]) throws -> [UInt8] {
                    let client = try RawClient(port: harness.port)
                    try? client.send(bytes)
                    return try client.drain()
                }
                #expect(try answer(Array("GET / HTTP/1.1\r\n\r\n".utf8)).isEmpty)
                #expect(try answer([0, 0, 0, 4]).isEmpty)
                #expect(try answer([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]).isEmpty)
                #expect(try answer([0, 0, 0x27, 0x15, 0, 3, 0, 0]).isEmpty)
                #expect(try answer([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).isEmpty)
                func words(_ bytes: [UInt8]) throws -> String { String(decoding: try answer(bytes), as: UTF8.self) }
                #expect(try words([0, 0, 0, 9, 0, 2, 0, 0, 0]).hasPrefix("EFATAL:  unsupported frontend protocol 2.0"))
                #expect(try words([0, 0, 0, 9, 0, 4, 0, 0, 0]).contains("unsupported frontend protocol 4.0"))
                #expect(try words([0, 0, 0, 9, 0, 3, 0, 0, 0]).contains("no PostgreSQL user name"))
                // Before it knows the answer, nobody can have anything to say (CVE-2021-23214).
                let ahead = StartupPacket(user: "postgres").encoded()
                #expect(try words(ClientMessage.sslRequest() + ahead).contains("C08P01\0Mreceived unencrypted data after SSL request"))
                #expect(try words(ClientMessage.gssEncryptionRequest() + ahead).contains("C08P01\0Mreceived unencrypted data after GSSAPI"))
                #expect(try answer(CancelRequest(pid: 77, key: [9, 9, 9, 9]).encoded()).isEmpty)
            }
            #expect(try await harness.query("select 1") == "1")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func silenceEndsAtTheDeadline() async throws {
        var limits = FrontLimits()
        limits.loginTime = .milliseconds(400)
        try await FrontHarness.with(Self.any, limits: limits) { harness in
            try await onOwnThread {
                let silent = try RawClient(port: harness.port)
                let slow = try RawClient(port: harness.port)
                try slow.send([0, 0, 0])
                #expect(try silent.drain().isEmpty)
                #expect(try slow.drain().isEmpty)
            }
            #expect(try await harness.query("select 1") == "1")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func thousandsOfHalfOpenConnectionsAreBorne() async throws {
        try await FrontHarness.with(Self.any) { harness in
            let crowd = try await onOwnThread {
                Box(
                    try (0..<2_000).map { _ in
                        let client = try RawClient(port: harness.port)
                        try client.send([0, 0, 0])
                        return client
                    })
            }
            // Who came after them has been accepted after them.
            #expect(try await harness.query("select 1") == "1")
            #expect(await harness.front.counts.waiting >= 2_000)
            withExtendedLifetime(crowd) {}
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func tooManyAreToldSo() async throws {
        var limits = FrontLimits()
        limits.waiting = 3
        try await FrontHarness.with(Self.any, limits: limits) { harness in
            // The system shows nobody who has not said anything, and the others in the order in which they came.
            @Sendable func client() throws -> RawClient {
                let client = try RawClient(port: harness.port)
                try client.send([0])
                return client
            }
            let crowd = try await onOwnThread { Box(try (0..<3).map { _ in try client() }) }
            try await onOwnThread {
                let extra = try client()
                let message = try extra.message()
                #expect([message].compactMap { $0 }.failure?.code == "53300")
                #expect(try extra.message() == nil)
            }
            withExtendedLifetime(crowd) {}
        }
    }
}
