import PostgresWire
import Testing
import WireTestSupport

@Suite struct LoginExchangeTests {
    static let entropy = Array("123456789012345678".utf8)

    func exchange(_ verifier: PasswordVerifier?, user: WireText = "ada") -> LoginExchange {
        LoginExchange(user: user, verifier: verifier, mockSecret: [5], entropy: Self.entropy)
    }

    /// All that a SCRAM client sends against this exchange, which always answers alike.
    func scramBytes(_ exchange: LoginExchange, password: String) throws -> [UInt8] {
        var exchange = exchange
        var client = ScramClient(password: password, entropy: Array(repeating: 1, count: 18))
        let first = ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", client.first())
        guard case .send(let reply, let end) = exchange.receive(first), end == first.count,
            case .message(.authentication(.saslContinue(let challenge)), _) = BackendMessage.read(reply)
        else { return first }
        return first + ClientMessage.saslResponse(try client.final(challenge))
    }

    @Test func scram() throws {
        let exchange = exchange(ScramFixture.pencil)
        #expect(BackendMessage.read(exchange.greeting) == .message(.authentication(.sasl(["SCRAM-SHA-256"])), end: 24))
        let bytes = try scramBytes(exchange, password: "pencil")
        // What the client sends behind its login is not touched.
        let outputs = try decodedEveryWay(bytes + ClientMessage.query("select 1")) { LoginCodec(exchange) }
        #expect(outputs.count == 2)
        guard case .accepted(let final) = outputs.last, case .message(.authentication(.saslFinal), _) = BackendMessage.read(final) else {
            Issue.record("refused: \(outputs)")
            return
        }
    }

    @Test(arguments: [true, false]) func wrongPasswordOrNoSuchUser(_ exists: Bool) throws {
        let exchange = exchange(exists ? ScramFixture.pencil : nil)
        let outputs = try decodedEveryWay(try scramBytes(exchange, password: "pen")) { LoginCodec(exchange) }
        #expect(outputs.last == .refused(ServerMessage.wrongPassword(user: "ada").encoded()))
        #expect(ServerMessage.wrongPassword(user: "ada").message == "password authentication failed for user \"ada\"")
    }

    @Test func md5() throws {
        let verifier = try #require(MD5Verifier(password: "postgres", user: "postgres"))
        #expect(verifier.formatted == "md53175bce1d3201d16594cebf9d7eb3f9d")
        #expect(MD5Verifier(verifier.formatted) == verifier)
        let exchange = exchange(.md5(verifier), user: "postgres")
        let salt = Array(Self.entropy[..<4])
        #expect(BackendMessage.read(exchange.greeting) == .message(.authentication(.md5Password(salt: salt)), end: 13))
        let right = ClientMessage.password(try #require(verifier.response(salt: salt)))
        #expect(try decodedEveryWay(right) { LoginCodec(exchange) } == [.accepted([])])
        let wrong = ClientMessage.password(try #require(verifier.response(salt: [0, 0, 0, 0])))
        #expect(
            try decodedEveryWay(wrong) { LoginCodec(exchange) } == [.refused(ServerMessage.wrongPassword(user: "postgres").encoded())])
        #expect(
            try decodedEveryWay(ClientMessage.password("")) { LoginCodec(exchange) } == [.refused(ServerMessage.emptyPassword.encoded())])
    }

    @Test func passwordVerifiers() throws {
        let scram = try #require(ScramFixture.pencil)
        #expect(scram.matches(password: "pencil", user: "user"))
        #expect(!scram.matches(password: "Pencil", user: "user"))
        let md5 = try #require(PasswordVerifier("md53175bce1d3201d16594cebf9d7eb3f9d"))
        #expect(md5.matches(password: "postgres", user: "postgres"))
        #expect(!md5.matches(password: "postgres", user: "ada"))
        for bad in ["", "md5", "postgres", "md53175BCE1D3201D16594CEBF9D7EB3F9D"] { #expect(PasswordVerifier(bad) == nil) }
    }

    @Test func brokenMessages() throws {
        let scram = exchange(ScramFixture.pencil)
        func refusal(_ bytes: [UInt8]) throws -> ServerMessage? {
            guard case .refused(let reply) = try decodedEveryWay(bytes, { LoginCodec(scram) }).last,
                case .message(.error(let message), _) = BackendMessage.read(reply)
            else { return nil }
            return message
        }
        #expect(try refusal(ClientMessage.query("select 1")) == .expectedSASLResponse(got: 0x51))
        #expect(try refusal([0x70, 0, 0, 0, 3]) == .wrongPassword(user: "ada"))
        #expect(try refusal([0x70, 0, 0, 4, 1]) == .wrongPassword(user: "ada"))
        #expect(try refusal(ClientMessage.saslResponse(Array("SCRA".utf8))) == .invalidString)
        #expect(try refusal(ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256-PLUS", [1])) == .invalidMechanism)
        #expect(try refusal(ClientMessage.saslResponse(Array("SCRAM-SHA-256\0\0\0\0\u{3}".utf8))) == .insufficientData)
        #expect(try refusal(ClientMessage.saslResponse(Array("SCRAM-SHA-256\0\0\0\0\u{1}nn".utf8))) == .invalidFormat)
        #expect(try refusal(ClientMessage.saslResponse(Array("SCRAM-SHA-256\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFE])) == .insufficientData)
    }
}
