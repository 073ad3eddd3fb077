import Basics
import Testing

@testable import PostgresWire

/// SCRAM-SHA-256 by the example of RFC 7677 §3, and in PostgreSQL's words where it is broken.
@Suite struct ScramTests {
    static let nonce = Array("rOprNGfwEbeRWgbNEkqO".utf8)
    static let serverNonce = Array("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".utf8)
    static let first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    static let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    static let final =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    static let signature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

    func server(_ password: String = "pencil") throws -> ScramServer {
        let salt = try #require(Base64.decodeStrict("W22ZaJ0SNY7soEsUEjb6gQ==".utf8))
        let verifier = try #require(ScramVerifier(password: password, salt: salt))
        return ScramServer(verifier: verifier, serverNonce: Self.serverNonce)
    }

    @Test func serverByTheBook() throws {
        var server = try server()
        #expect(server.receive(Array(Self.first.utf8)) == .challenge(Array(Self.challenge.utf8)))
        #expect(server.receive(Array(Self.final.utf8)) == .proved(final: Array(Self.signature.utf8)))
        #expect(server.receive(Array(Self.final.utf8)) == .wrongPassword)
    }

    @Test func clientByTheBook() throws {
        var client = ScramClient(user: "user", password: "pencil", nonce: Self.nonce)
        #expect(client.first() == Array(Self.first.utf8))
        #expect(try client.final(Array(Self.challenge.utf8)) == Array(Self.final.utf8))
        try client.verify(Array(Self.signature.utf8))
        #expect(throws: ScramClient.Failure.wrongServerSignature) { try client.verify(Array("v=AAAA".utf8)) }
        #expect(throws: ScramClient.Failure.refused("other-error")) { try client.verify(Array("e=other-error".utf8)) }
    }

    @Test func wrongPassword() throws {
        var server = try server("pencils")
        _ = server.receive(Array(Self.first.utf8))
        #expect(server.receive(Array(Self.final.utf8)) == .wrongPassword)
    }

    @Test func mockUserHasOneSaltAndNeverGetsIn() throws {
        func salt(_ user: WireText, _ secret: [UInt8]) throws -> String {
            var server = ScramServer(mockUser: user, secret: secret, entropy: Array(repeating: 3, count: 18))
            guard case .challenge(let challenge) = server.receive(Array(Self.first.utf8)) else { return "" }
            var client = ScramClient(user: "user", password: "", nonce: Self.nonce)
            let answer = try client.final(challenge)
            #expect(server.receive(answer) == .wrongPassword)
            return String(decoding: challenge.drop { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        }
        #expect(try salt("eve", [1]) == salt("eve", [1]))
        #expect(try salt("eve", [1]) != salt("mallory", [1]))
        #expect(try salt("eve", [1]) != salt("eve", [2]))
        #expect(try salt("eve", [1]).hasSuffix(",i=4096"))
    }

    @Test func noInitialResponse() throws {
        var server = try server()
        #expect(server.receive(nil) == .challenge([]))
        #expect(server.receive(Array(Self.first.utf8)) == .challenge(Array(Self.challenge.utf8)))
    }

    @Test func clientWithChannelBindingThatWeDoNotOffer() throws {
        var server = try server()
        #expect(server.receive(Array("y,,n=,r=abc".utf8)) != .wrongPassword)
        // It must repeat its flag: this one says `n,,`.
        #expect(
            server.receive(Array("c=biws,r=abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAAA".utf8))
                == .violation(.unexpectedChannelBinding))
    }

    /// Message, SQLSTATE, and detail (or text when there is no detail); PostgreSQL 15 says the same, see `LiveTests`.
    static let brokenFirst: [(String, String, String)] = [
        ("", "08P01", "The message is empty."),
        ("n,,n=\0,r=a", "08P01", "Message length does not match input length."),
        ("q,,n=,r=a", "08P01", "Unexpected channel-binding flag \"'q'\"."),
        ("\u{1},,n=,r=a", "08P01", "Unexpected channel-binding flag \"0x01\"."),
        (
            "p=tls-unique,,n=,r=a", "08P01",
            "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data."
        ),
        ("n", "08P01", "Comma expected, but found character \"0x00\"."),
        ("n,a=ada,n=,r=a", "0A000", "client uses authorization identity, but it is not supported"),
        ("n,x,n=,r=a", "08P01", "Unexpected attribute \"'x'\" in client-first-message."),
        ("n,,m=x,n=,r=a", "0A000", "client requires an unsupported SCRAM extension"),
        ("n,,x=,r=a", "08P01", "Expected attribute \"n\" but found \"'x'\"."),
        ("n,,n,r=a", "08P01", "Expected character \"=\" for attribute \"n\"."),
        ("n,,n=", "08P01", "Expected attribute \"r\" but found \"0x00\"."),
        ("n,,n=,r=a b", "08P01", "non-printable characters in SCRAM nonce"),
        ("n,,n=,r=a,1", "08P01", "Attribute expected, but found invalid character \"'1'\"."),
        ("n,,n=,r=a,b", "08P01", "Expected character \"=\" for attribute \"b\"."),
    ]

    @Test(arguments: brokenFirst) func violations(_ message: String, _ code: String, _ text: String) throws {
        var server = try server()
        guard case .violation(let error) = server.receive(Array(message.utf8)) else {
            Issue.record("taken")
            return
        }
        #expect(error.code == code)
        #expect((error.detail ?? error.message) == text)
        #expect(server.receive(Array(Self.final.utf8)) == .wrongPassword)
    }

    static let nonces = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    static let brokenFinal: [(String, String)] = [
        ("c=biws,r=wrong,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "Nonce does not match."),
        ("c=biws,\(nonces),p=AAAA", "Malformed proof in client-final-message."),
        ("c=biws,\(nonces),p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=,x=", "Garbage found at the end of client-final-message."),
        ("c=biws,\(nonces)", "Attribute expected, but found end of string."),
        ("c=eSws,\(nonces),p=AAAA", "unexpected SCRAM channel-binding attribute in client-final-message"),
        ("\(nonces),p=AAAA", "Expected attribute \"c\" but found \"'r'\"."),
    ]

    @Test(arguments: brokenFinal) func finalViolations(_ message: String, _ text: String) throws {
        var server = try server()
        _ = server.receive(Array(Self.first.utf8))
        guard case .violation(let error) = server.receive(Array(message.utf8)) else {
            Issue.record("taken")
            return
        }
        #expect((error.detail ?? error.message) == text)
    }

    @Test func extensionsBeforeTheProofAreSigned() throws {
        var client = ScramClient(user: "user", password: "pencil", nonce: Self.nonce)
        _ = try client.final(Array(Self.challenge.utf8))
        var server = try server()
        _ = server.receive(Array(Self.first.utf8))
        let inserted = Self.final.replacing(",p=", with: ",x=1,p=")
        #expect(server.receive(Array(inserted.utf8)) == .wrongPassword)
    }

    @Test(arguments: [
        "", "r=x", "r=short,s=W22Z,i=1", "r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=1", "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=1",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=0", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=-1", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=99999999999",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=10000001",
    ])
    func hostileChallenges(_ challenge: String) {
        var client = ScramClient(user: "user", password: "pencil", nonce: Self.nonce)
        #expect(throws: ScramClient.Failure.self) { try client.final(Array(challenge.utf8)) }
    }

    @Test func verifierForm() throws {
        let verifier = try #require(ScramVerifier(password: "pencil", salt: Array(1...16), iterations: 10))
        let read = try #require(ScramVerifier(verifier.formatted))
        #expect(read == verifier)
        #expect(read.matches(password: "pencil"))
        #expect(!read.matches(password: "pencil "))
        #expect("\(verifier)" == "SCRAM-SHA-256$***")
        for bad in ["", "SCRAM-SHA-256$", "SCRAM-SHA-256$10:AA==$AA==:AA==", verifier.formatted + "$", "md5" + verifier.formatted] {
            #expect(ScramVerifier(bad) == nil)
        }
        #expect(ScramVerifier(verifier.formatted.replacing("$10:", with: "$0:")) == nil)
        #expect(ScramVerifier(verifier.formatted.replacing("$10:", with: "$99999999999999999999:")) == nil)
    }

    @Test func base64() {
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")] {
            #expect(Base64.encode(Array(text.utf8)) == Array(encoded.utf8))
            #expect(Base64.decodeStrict(encoded.utf8) == Array(text.utf8))
        }
        for bad in ["Zg=", "Z===", "=Zg=", "Zg==Zg==", "Z g=", "Zm9v\n", "Zg"] { #expect(Base64.decodeStrict(bad.utf8) == nil) }
    }
}
