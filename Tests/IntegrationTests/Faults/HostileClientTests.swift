import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Clients that speak nonsense, slowly, or not at all. They wake nothing and are in nobody's way.
@Suite struct HostileClientTests {
    @Test func garbage() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            for asleep in [true, false] {
                if asleep { try await fixture.done("stop", "shop", "--yes") }
                var packets: [[UInt8]] = [
                    Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), [UInt8](repeating: 0xff, count: 5000),
                    // Lengths that are none, too short, and negative.
                    [0, 0, 0, 0], [0, 0, 0, 7], [0x80, 0, 0, 0, 0, 3, 0, 0], [0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0],
                    // A TLS hello nobody asked for.
                    [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
                    // Parameters without an end, a protocol of the past and one of the future.
                    packet([0, 3, 0, 0], Array("user".utf8)), packet([0, 2, 0, 0], [UInt8](repeating: 65, count: 288)),
                    packet([0, 9, 0, 0], Array("user\0x\0\0".utf8)),
                    // No user; a cancel request for nobody; one that is too long.
                    packet([0, 3, 0, 0], [0]), packet([4, 210, 22, 46], [0, 0, 0, 1, 0, 0, 0, 2]),
                    packet([4, 210, 22, 46], [UInt8](repeating: 1, count: 600)),
                ]
                var chance = SystemRandomNumberGenerator()
                for _ in 0..<40 {
                    packets.append(
                        (0..<Int.random(in: 1...400, using: &chance)).map { _ in UInt8.random(in: 0...255, using: &chance) } + [0xff])
                }
                for bytes in packets {
                    let client = try RawClient(port: made.port)
                    client.send(bytes)
                    // Random bytes may begin a packet that is legal so far; it ends here.
                    client.endOutput()
                    let said = try await onOwnThread { try client.untilClosed(seconds: 20) }
                    #expect(said.isEmpty || said.hasPrefix("E") || said.hasPrefix("N") || said.hasPrefix("R"), "\(bytes): \(said)")
                    client.close()
                }
                if asleep { #expect(try await fixture.list().first?["state"] as? String == "stopped", "it was woken") }
                try await fixture.answersWithinASecond(
                    made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            }
        }
    }

    @Test func oversizedPackets() async throws {
        try await withFault { fixture in
            let made = try await fixture.made()
            for port in [made.port, UInt16(try #require(made.facts["shadowPort"] as? Int))] {
                // Over PostgreSQL's bound: closed without a word, before the bytes have come.
                let over = try RawClient(port: port)
                over.send([0, 0, 0x27, 0x15, 0, 3, 0, 0])
                #expect(try await onOwnThread { try over.untilClosed(seconds: 20) } == "")
                over.close()
                // Within it, as much as there may be, room for the database's name left: PostgreSQL asks for the password.
                let most = try RawClient(port: port)
                let filler = String(repeating: "x", count: 10_000 - 32 - "user\0postgres\0application_name\0\0\0".utf8.count)
                most.send(packet([0, 3, 0, 0], Array("user\0postgres\0application_name\0\(filler)\0\0".utf8)))
                #expect(try await onOwnThread { try most.some(seconds: 20) }.hasPrefix("R"))
                most.close()
                // A flood behind a packet that is fine.
                let flood = try RawClient(port: port)
                flood.send(packet([0, 3, 0, 0], Array("user\0postgres\0\0".utf8)))
                flood.send([UInt8](repeating: 0x41, count: 1 << 20))
                flood.endOutput()
                let said = try await onOwnThread { try flood.untilClosed(seconds: 20) }
                #expect(said.hasPrefix("R") || said.hasPrefix("E") || said.isEmpty)
                flood.close()
            }
            try await fixture.answersWithinASecond(made)
        }
    }

    /// Byte by byte, each in a packet of its own; and half a packet that never ends, beside those who are quick.
    @Test func slowPackets() async throws {
        try await withFault { fixture in
            let made = try await fixture.made()
            for asleep in [false, true] {
                if asleep { try await fixture.done("stop", "shop", "--yes") }
                let halves = try (0..<20).map { count in
                    let client = try RawClient(port: made.port)
                    client.send(Array(packet([0, 3, 0, 0], Array("user\0postgres\0\0".utf8)).prefix(count)))
                    return client
                }
                let slow = try RawClient(port: made.port)
                slow.sendApart(packet([4, 210, 22, 47], []))
                #expect(try await onOwnThread { try slow.some(seconds: 20) } == "N")
                slow.sendApart(packet([0, 3, 0, 0], Array("user\0postgres\0database\0postgres\0\0".utf8)))
                #expect(try await onOwnThread { try slow.some(seconds: 20) }.contains("SCRAM-SHA-256"))
                if asleep { #expect(try await fixture.list().first?["state"] as? String == "stopped", "it was woken") }
                try await fixture.answersWithinASecond(made)
                for client in halves + [slow] { client.close() }
            }
        }
    }

    /// 2,000 that connect and say nothing, half of a packet, or half of a login.
    @Test func twoThousandHalfOpenConnections() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            try await fixture.done("stop", "shop", "--yes")
            let daemon = try #require(fixture.daemonPid)
            let memory = residentKilobytes(daemon)
            let descriptors = openDescriptors(daemon)
            let crowd = try RawClient.crowd(2000, port: made.port)
            let login = packet([0, 3, 0, 0], Array("user\0postgres\0\0".utf8))
            for (number, client) in crowd.enumerated() {
                switch number % 4 {
                case 0: client.send(Array(login.prefix(3)))
                case 1: client.send(login)
                default: break
                }
            }
            // The last of those that begin a login has been asked for its password, so all are in but those who have said
            // nothing: the system holds them back for a moment.
            let asked = try await onOwnThread { try crowd[1997].some(seconds: 30) }
            #expect(asked.hasPrefix("R"))
            try await onOwnThread {
                try Wait.polling("the silent ones are in") { openDescriptors(daemon) >= descriptors + 2000 }
            }
            #expect(try await fixture.list().first?["state"] as? String == "stopped", "it was woken")
            #expect(residentKilobytes(daemon) - memory < 2000 * 24, "\(residentKilobytes(daemon) - memory) kB for 2,000 clients")
            try await fixture.answersWithinASecond(
                made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            for client in crowd { client.close() }
            try await onOwnThread {
                try Wait.polling("their descriptors are closed") { openDescriptors(daemon) < descriptors + 20 }
            }
            try await fixture.answersWithinASecond(made)
        }
    }
}

private func packet(_ code: [UInt8], _ body: [UInt8]) -> [UInt8] {
    let length = 8 + body.count
    return [UInt8(length >> 24 & 255), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)] + code + body
}

private func openDescriptors(_ pid: Int32) -> Int {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []).count
}

private func residentKilobytes(_ pid: Int32) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        .flatMap { Int($0.filter(\.isNumber)) } ?? 0
}
