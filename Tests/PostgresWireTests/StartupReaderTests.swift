import PostgresWire
import Testing
import WireTestSupport

@Suite struct StartupReaderTests {
    /// A packet with any code and body.
    static func packet(_ code: UInt32, _ body: String = "") -> [UInt8] {
        let length = UInt32(body.utf8.count + 8)
        return [length, code].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } } + body.utf8
    }
    static let version3: UInt32 = 196_608

    func refusal(_ bytes: [UInt8]) throws -> StartupRefusal? {
        guard case .refused(let refusal) = try decodedEveryWay(bytes, StartupCodec.init).last else { return nil }
        return refusal
    }

    @Test func upgradesThenStartup() throws {
        let start = StartupPacket(user: "ada", database: "app")
        let bytes = ClientMessage.sslRequest() + ClientMessage.gssEncryptionRequest() + start.encoded()
        #expect(
            try decodedEveryWay(bytes, StartupCodec.init) == [
                .request(.ssl, length: 8), .request(.gssEncryption, length: 8),
                .request(.startup(start), length: start.encoded().count),
            ])
    }

    @Test func eachUpgradeOnce() throws {
        let text = "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0"
        let refusal = try self.refusal(ClientMessage.sslRequest() + ClientMessage.sslRequest())
        #expect(refusal == .unsupportedProtocol(major: 1234, minor: 5679))
        guard case .message(.error(let message), _) = BackendMessage.read(refusal?.reply(newestMinor: 0) ?? []) else {
            Issue.record("not refused")
            return
        }
        #expect(message.message == text)
        #expect(message.code == "0A000")
        #expect(try self.refusal(ClientMessage.gssEncryptionRequest() + ClientMessage.gssEncryptionRequest()) != nil)
    }

    @Test func directTLS() throws {
        #expect(try decodedEveryWay([0x16, 3, 1, 2, 0], StartupCodec.init) == [.request(.directTLS, length: 0)])
        // After a refused SSLRequest it is only a wrong length.
        #expect(try refusal(ClientMessage.sslRequest() + [0x16, 3, 1, 2]) == .silent("invalid length of startup packet"))
    }

    @Test(arguments: [0, 7, 10_005, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32])
    func impossibleLengths(_ length: UInt32) throws {
        let word = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
        #expect(try refusal(word) == .silent("invalid length of startup packet"))
        #expect(try refusal(word)?.reply(newestMinor: 0) == [])
    }

    @Test func otherProtocolsOnThePort() throws {
        #expect(try refusal(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == .silent("invalid length of startup packet"))
    }

    @Test func cancelKeys() throws {
        for length in [4, 32, 256] {
            let cancel = CancelRequest(pid: -7, key: Array(repeating: 9, count: length))
            #expect(
                try decodedEveryWay(cancel.encoded(), StartupCodec.init)
                    == [.request(.cancel(cancel), length: 12 + length)])
        }
        for length in [0, 257] {
            let cancel = CancelRequest(pid: 1, key: Array(repeating: 9, count: length))
            #expect(try refusal(cancel.encoded()) == .silent("invalid length of cancel request packet"))
        }
    }

    @Test func oldProtocolIsAnsweredInItsForm() throws {
        let refusal = try refusal(Self.packet(131_072, String(repeating: "x", count: 288)))
        #expect(
            refusal?.reply(newestMinor: 2) == Array("EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.2\n\0".utf8))
    }

    @Test(arguments: ["", "user\0ada\0", "user\0ada\0\0x", "user\0ada\0name\0", "user\0ada\0name"])
    func layout(_ body: String) throws {
        #expect(try refusal(Self.packet(Self.version3, body)) == .fatal(.startupNotTerminated))
    }

    /// As PostgreSQL, which does not look at the last byte.
    @Test(arguments: ["user\0ada\0\0", "user\0ada\0x"])
    func theLastByteEndsIt(_ body: String) throws {
        #expect(
            try decodedEveryWay(Self.packet(Self.version3, body), StartupCodec.init).first
                == .request(.startup(StartupPacket(user: "ada")), length: 8 + body.utf8.count))
    }

    @Test(arguments: ["\0", "user\0\0\0", "database\0x\0\0", "user\0ada\0user\0\0\0"])
    func noUser(_ body: String) throws {
        #expect(try refusal(Self.packet(Self.version3, body)) == .fatal(.noUserName))
    }

    @Test func replication() throws {
        func wanted(_ value: String) throws -> StartupPacket.Replication? {
            let outputs = try decodedEveryWay(Self.packet(Self.version3, "user\0ada\0replication\0\(value)\0\0"), StartupCodec.init)
            guard case .request(.startup(let packet), _) = outputs.first else { return nil }
            return packet.replication
        }
        for value in ["true", "T", "yes", "on", "1"] { #expect(try wanted(value) == .physical) }
        for value in ["false", "f", "NO", "of", "0"] { #expect(try wanted(value) == .no) }
        #expect(try wanted("database") == .logical)
        for value in ["o", "maybe", "2", "", "truely"] {
            #expect(try wanted(value) == nil)
        }
        #expect(
            try refusal(Self.packet(Self.version3, "user\0ada\0replication\0maybe\0\0"))
                == .fatal(.invalidReplication("maybe")))
    }
}
