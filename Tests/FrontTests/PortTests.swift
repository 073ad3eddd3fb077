import Basics
import Foundation
import Loop
import PostgresWire
import Registry
import TestSupport
import Testing

@testable import Front

/// What the front listens on.
@Suite struct PortTests {
    @Test(.timeLimit(.minutes(10)))
    func aTakenPortKeepsNobodyFromTheOthers() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            let record = await harness.instances.record
            await harness.front.release(record.id)
            let stranger = try Listener.tcp(address: "::1", port: harness.shadowPort)

            // A new instance gets all or none.
            await #expect { try await harness.front.bind(record) } throws: { error in
                let error = error as? DevError
                return error?.code == .portTaken && error?.object == "\(harness.shadowPort)"
            }
            #expect(try await harness.psql(harness.url(), "select 1").errors.contains("Connection refused"))

            // One that has them already gets those that can be had.
            #expect(await harness.front.bindAvailable(record).first?.object == "\(harness.shadowPort)")
            #expect(try await harness.query("select 1") == "1")
            #expect(try await harness.psql(harness.url(port: harness.shadowPort), "select 1").errors.contains("Connection refused"))
            #expect(await harness.front.bindAvailable(record).first?.code == .portTaken)

            close(stranger.descriptor)
            #expect(await harness.front.bindAvailable(record).isEmpty)
            for host in ["127.0.0.1", "[::1]"] {
                let url = harness.url(port: harness.shadowPort, host: host)
                #expect(try await harness.query("select current_database()", url: url) == "devdb_shadow")
            }
            try await harness.front.bind(record)
        }
    }

    /// What is set on the listener holds for whom it accepts, and where they come from is known.
    @Test(.timeLimit(.minutes(1)), arguments: ["127.0.0.1", "::1"])
    func acceptedSocketsAreAsPostgreSQLHasThem(_ address: String) async throws {
        try await LoopThread.run { loop in
            let bound = try Listener.tcp(address: address, port: 0)
            ClientSocket.prepare(bound.descriptor)
            let (calls, out) = AsyncStream.makeStream(of: (Int32, UInt16).self)
            let listener = try Listener(loop: loop, descriptor: bound.descriptor) { descriptor, port in out.yield((descriptor, port)) }
            let client = try await Socket.tcp(loop: loop, address: address, port: bound.port)
            var calling = calls.makeAsyncIterator()
            let (descriptor, port) = try #require(await calling.next())
            func option(_ level: Int32, _ name: Int32) -> Int32 {
                var value: Int32 = -1
                var size = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, level, name, &value, &size)
                return value
            }
            #expect(option(Int32(IPPROTO_TCP), TCP_NODELAY) != 0)
            #expect(option(SOL_SOCKET, SO_KEEPALIVE) != 0)
            #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
            var name = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutablePointer(to: &name) { pointer in
                _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(client.descriptor, $0, &size) }
            }
            #expect(port == withUnsafeBytes(of: name) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) })
            close(descriptor)
            client.close()
            listener.close()
        }
    }

    /// The name of the shadow database may make a packet too long that was just in.
    @Test(.timeLimit(.minutes(10)))
    func aPacketThatGrowsTooLongIsToldSo() async throws {
        try await FrontHarness.with(Variant.all[0]) { harness in
            try await onOwnThread {
                // 10,004 bytes, the most that PostgreSQL takes.
                let packet = StartupPacket(
                    user: "postgres", database: "postgres",
                    [.init("options", WireText("-c a.b=" + String(repeating: "x", count: 9_947)))])
                #expect(packet.encoded().count == StartupReader.maximumLength)
                #expect(try RawClient(port: harness.port).login(packet, password: PostgresCluster.password).isReady)
                let failure = try RawClient(port: harness.shadowPort).login(packet, password: PostgresCluster.password).failure
                #expect(failure?.code == "08P01" && failure?.severity == "FATAL" && failure?.message == "invalid length of startup packet")
            }
        }
    }
}
