import Foundation
import PostgresWire
import TestSupport
import Testing

@testable import Front

/// The byte pump where it can go wrong.
@Suite struct PumpTests {
    private static let variants = Variant.all.filter { $0.mode != .handoff }

    /// A client that does not read stops the server, and gets every byte once it reads.
    @Test(.timeLimit(.minutes(10)), arguments: variants)
    func backPressureHoldsTheServer(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let client = try await onOwnThread {
                let client = try RawClient(port: harness.port)
                try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password)
                try client.send(ClientMessage.query("select repeat('x', 60000) from generate_series(1, 400)"))
                return Box(client)
            }
            // The buffers between the two are full.
            try await harness.cluster.wait(
                until: "select count(*) = 1 from pg_stat_activity where query ~ '60000.*400' and wait_event = 'ClientWrite'")
            try await onOwnThread {
                let client = client.value
                var rows = 0
                var isReady = false
                while !isReady, let message = try client.message() {
                    if case .other(UInt8(ascii: "D"), let body) = message {
                        rows += 1
                        #expect(body.count == 60_006)
                    }
                    isReady = message == .readyForQuery(.idle)
                }
                #expect(rows == 400)
            }
        }
    }

    /// Bytes in both directions at once, more than any buffer holds.
    @Test(.timeLimit(.minutes(10)), arguments: variants)
    func bothDirectionsRunAtOnce(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password)
                let literal = String(repeating: "y", count: 3_000_000)
                for _ in 0..<2 {
                    try client.send(ClientMessage.query("select '\(literal)'"))
                    var size = 0
                    while let message = try client.message(), message != .readyForQuery(.idle) {
                        if case .other(UInt8(ascii: "D"), let body) = message { size = body.count }
                    }
                    #expect(size == 3_000_006)
                }
            }
        }
    }

    /// A client that has said its last word still gets its answer.
    @Test(.timeLimit(.minutes(10)), arguments: Variant.all)
    func aHalfClosedClientGetsItsAnswer(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            try await onOwnThread {
                let client = try RawClient(port: harness.port)
                try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password)
                try client.send(ClientMessage.query("select 42"))
                client.endWriting()
                let rest = try client.drain()
                #expect(String(decoding: rest, as: UTF8.self).contains("42"))
            }
            await harness.instances.sessions(0, of: 1)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: variants)
    func closingEndsPumpedSessions(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            let client = try await onOwnThread {
                let client = try RawClient(port: harness.port)
                try client.login(StartupPacket(user: "postgres"), password: PostgresCluster.password)
                return Box(client)
            }
            await harness.front.release("0123abcd")
            try await onOwnThread { () throws -> Void in #expect(try client.value.drain().isEmpty) }
            await harness.instances.sessions(0, of: 1)
        }
    }
}
