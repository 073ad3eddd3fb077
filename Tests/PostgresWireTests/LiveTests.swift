import TestSupport
import Testing
import WireTestSupport

@testable import PostgresWire

/// Against a real PostgreSQL: passwords made by either side are taken by the other, and hostile bytes get its answers.
@Suite struct LiveTests {
    /// Umlauts in two forms, a compatibility character, one that SASLprep maps away, one that it prohibits.
    static let passwords = ["secret", "pa ss", "p\u{E4}ss", "pa\u{308}ss", "\u{2168}\u{AA}", "I\u{AD}X", "\u{1F511}", "\u{627}1"]

    @Test(arguments: PostgresInstallation.all) func sameAsPostgreSQL(_ installation: PostgresInstallation) async throws {
        let postgres = try await PostgresCluster.start(installation)
        // What blocks must not hold up the other tests.
        try await onOwnThread { try compare(postgres) }
        try await postgres.stop(.immediate)
    }

    private func compare(_ postgres: PostgresCluster) throws {
        let owner = try postgres.connect()
        if let error = try owner.logIn(StartupPacket(user: "postgres"), password: "") { throw error }
        for (index, password) in Self.passwords.enumerated() {
            try itsVerifiersAreOurs(postgres, owner, role: "its\(index)", password)
            try ourVerifiersAreIts(postgres, owner, role: "ours\(index)", password)
        }
        try md5(postgres, owner)
        try noSettingIsDropped(owner)
        let version = try owner.query("show server_version_num").first.flatMap(Int.init) ?? 0
        // Words and limits as of these; 17 moved files, 18 speaks 3.2.
        if (150_000..<170_000).contains(version) { try answers(postgres) }
    }

    private func itsVerifiersAreOurs(_ postgres: PostgresCluster, _ owner: LiveConnection, role: String, _ password: String) throws {
        _ = try owner.query("create role \(role) login password '\(password)'")
        let text = try #require(try owner.query("select rolpassword from pg_authid where rolname = '\(role)'").first)
        let verifier = try #require(ScramVerifier(text))
        #expect(verifier.formatted == text)
        #expect(verifier.matches(password: password), "\(password)")
        #expect(!verifier.matches(password: password + "x"))
        // Our client against our server with its verifier.
        var server = ScramServer(verifier: verifier, entropy: Array(repeating: 4, count: 18))
        var client = ScramClient(password: password, entropy: Array(repeating: 5, count: 18))
        guard case .challenge(let challenge) = server.receive(client.first()),
            case .proved(let final) = server.receive(try client.final(challenge))
        else {
            Issue.record("\(password) not proved")
            return
        }
        try client.verify(final)
        // Our client against its server.
        let packet = StartupPacket(user: WireText(role), database: "postgres")
        #expect(try postgres.connect().logIn(packet, password: password) == nil, "\(password)")
        let refusal = try #require(try postgres.connect().logIn(packet, password: password + "x"))
        #expect(Self.shown(refusal) == Self.shown(.wrongPassword(user: WireText(role))))
    }

    private func ourVerifiersAreIts(_ postgres: PostgresCluster, _ owner: LiveConnection, role: String, _ password: String) throws {
        let salt: [UInt8] = (0..<16).map { _ in .random(in: .min ... .max) }
        let verifier = try #require(ScramVerifier(password: password, salt: salt))
        _ = try owner.query("create role \(role) login password '\(verifier.formatted)'")
        #expect(try owner.query("select rolpassword from pg_authid where rolname = '\(role)'") == [verifier.formatted])
        #expect(try postgres.connect().logIn(StartupPacket(user: WireText(role), database: "postgres"), password: password) == nil)
    }

    private func md5(_ postgres: PostgresCluster, _ owner: LiveConnection) throws {
        _ = try owner.query("set password_encryption = 'md5'; create role old login password 'secret'")
        let text = try #require(try owner.query("select rolpassword from pg_authid where rolname = 'old'").first)
        #expect(MD5Verifier(password: "secret", user: "old")?.formatted == text)
        #expect(try postgres.connect().logIn(StartupPacket(user: "old", database: "postgres"), password: "secret") == nil)
    }

    private func noSettingIsDropped(_ owner: LiveConnection) throws {
        let settings = Set(try owner.query("select lower(name) from pg_settings"))
        #expect(settings.count > 300)
        #expect(settings.isDisjoint(with: StartupPacket.foreignParameters))
    }

    // The same bytes to both; what can't be equal (nonces, salts, source lines) is left out.

    private func answers(_ postgres: PostgresCluster) throws {
        let start = StartupPacket(user: "its0", database: "postgres").encoded()
        let nobody = StartupPacket(user: "nobody").encoded()
        func sasl(_ text: String) -> [UInt8] { ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", Array(text.utf8)) }
        let packet = StartupReaderTests.packet
        let version3 = StartupReaderTests.version3
        var inputs: [[UInt8]] = [
            packet(131_072, String(repeating: "x", count: 288)), packet(4 << 16, "\0"), packet(0, "\0"),
            ClientMessage.sslRequest() + [], packet(version3, "user\0ada\0replication\0maybe\0\0"), [0, 0, 0, 7, 0, 3, 0],
            start + ClientMessage.query("select 1"), start + [0x70, 0, 0, 0, 3], start + [0x70, 0, 0, 4, 1],
            start + ClientMessage.saslResponse(Array("SCRA".utf8)),
            start + ClientMessage.saslInitialResponse(mechanism: "PLAIN", nil),
            start + ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", nil) + ClientMessage.saslResponse([]),
            start + ClientMessage.saslResponse(Array("SCRAM-SHA-256\0".utf8)),
            start + ClientMessage.saslResponse(Array("SCRAM-SHA-256\0\0\0\0\u{3}".utf8)),
            start + ClientMessage.saslResponse(Array("SCRAM-SHA-256\0\0\0\0\u{1}nn".utf8)),
            start + ClientMessage.saslResponse(Array("SCRAM-SHA-256\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFE]),
            start + ClientMessage.saslResponse(Array("SCRAM-SHA-256\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 1]), start + sasl("y,,n=,r=abc"),
            nobody + sasl("n,,n=nobody,r=abc"), start + sasl("n,,n=,r="), nobody + ClientMessage.query("x"),
        ]
        for body in ["", "user\0ada\0", "user\0ada\0\0x", "user\0ada\0name\0", "\0", "user\0\0\0", "database\0x\0\0"] {
            inputs.append(packet(version3, body))
        }
        inputs += ScramTests.brokenFirst.map { start + sasl($0.0) }
        for final in ScramTests.brokenFinal.map(\.0) + [
            "", "c=", "c=biws", "c=biws,r=x", "c=biws,r=x,", "c=biws,r=x,p", "c=biws,r=x,1=", "\0",
        ] {
            // The nonces are not known ahead, so that a proof can't be judged here: all but those outcomes are compared.
            inputs.append(start + sasl("n,,n=,r=abc") + ClientMessage.saslResponse(Array(final.utf8)))
        }
        for input in inputs {
            let connection = try postgres.connect()
            try connection.send(input)
            connection.finishSending()
            var theirs: [String] = []
            var upgrades = StartupReader()
            if case .request(.ssl, _) = upgrades.next(input) { theirs.append(try connection.byte() == 0x4E ? "N" : "?") }
            do {
                while let message = try connection.message() { if let text = Self.shown(message) { theirs.append(text) } }
            } catch let failure as TestFailure {
                // Only protocol 2's answer is no message of protocol 3.
                theirs.append(input[5] == 2 ? "legacy" : failure.description)
            }
            let mine = try ours(input)
            #expect(mine == theirs, "\(String(decoding: input, as: UTF8.self).debugDescription)")
        }
    }

    private func ours(_ input: [UInt8]) throws -> [String] {
        var texts: [String] = []
        var position = 0
        for output in try decodedEveryWay(input, StartupCodec.init) {
            switch output {
            case .request(.ssl, let length), .request(.gssEncryption, let length):
                texts.append("N")
                position += length
            case .refused(.unsupportedProtocol(major: 2, _)): texts.append("legacy")
            case .refused(.unsupportedProtocol(let major, let minor)):
                texts.append(Self.shown(.unsupportedProtocol(major: major, minor: minor, newestMinor: 0)))
            case .refused(.fatal(let message)): texts.append(Self.shown(message))
            case .refused(.silent), .request(.directTLS, _), .request(.cancel, _): break
            case .request(.startup(let packet), let length):
                position += length
                let exchange = LoginExchange(
                    user: packet.user, verifier: nil, mockSecret: [], entropy: (0..<18).map { _ in .random(in: .min ... .max) })
                var replies = [exchange.greeting]
                for output in try decodedEveryWay(Array(input[position...]), { LoginCodec(exchange) }) {
                    switch output {
                    case .sent(let bytes), .accepted(let bytes), .refused(let bytes): replies.append(bytes)
                    }
                }
                for reply in replies {
                    guard case .message(let message, _) = BackendMessage.read(reply) else { continue }
                    if let text = Self.shown(message) { texts.append(text) }
                }
            }
        }
        return texts
    }

    private static func shown(_ message: BackendMessage) -> String? {
        switch message {
        case .error(let error): shown(error)
        case .authentication(.saslContinue(let data)): data.isEmpty ? "empty challenge" : "challenge"
        case .negotiateProtocolVersion: nil
        default: "\(message)"
        }
    }

    private static func shown(_ error: ServerMessage) -> String {
        "\(error.severity) \(error.code) \(error.message) | \(error.detail ?? "") | \(error.hint ?? "")"
    }
}

extension PostgresCluster {
    fileprivate func connect() throws -> LiveConnection { try LiveConnection(path: socketPath) }
}
