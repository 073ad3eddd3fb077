internal import Basics

/// The server's side of SCRAM-SHA-256 (RFC 5802, 7677) as PostgreSQL plays it, without channel binding: events in,
/// steps out, no I/O and no chance of its own.
///
/// `waitingForFirst → saltSent → over`; every violation leads to `over`.
public struct ScramServer: Sendable {
    public enum Step: Sendable, Equatable {
        /// Send AuthenticationSASLContinue.
        case challenge([UInt8])
        /// The proof is right: send AuthenticationSASLFinal.
        case proved(final: [UInt8])
        /// The proof is wrong, or the user was a mock from the start.
        case wrongPassword
        /// The client broke the protocol: send this and close.
        case violation(ServerMessage)
    }

    private enum State: Sendable {
        case waitingForFirst
        case saltSent(clientFlag: UInt8, bare: [UInt8], serverFirst: [UInt8], nonce: [UInt8])
        case over
    }

    private let verifier: ScramVerifier
    private let isMock: Bool
    private let serverNonce: [UInt8]
    private var state: State = .waitingForFirst

    /// - Parameter entropy: 18 random bytes, PostgreSQL's length, for the nonce.
    public init(verifier: ScramVerifier, entropy: [UInt8]) {
        self.init(verifier: verifier, serverNonce: Base64.encode(entropy))
    }

    /// With a ready nonce: printable ASCII without commas (for test vectors).
    init(verifier: ScramVerifier, serverNonce: [UInt8]) {
        self.verifier = verifier
        isMock = false
        self.serverNonce = serverNonce
    }

    /// Plays through for a user that does not exist or has no SCRAM password, and always ends in `wrongPassword`. The
    /// salt is always the same for a user, so that nobody can tell (PostgreSQL's `mock_scram_secret`).
    /// - Parameter secret: kept per instance; PostgreSQL's is `mock_authentication_nonce` of its control file.
    public init(mockUser user: WireText, secret: [UInt8], entropy: [UInt8]) {
        let salt = Digest.sha256(user.bytes + secret) ?? Array(repeating: 0x5A, count: 16)
        let zero = [UInt8](repeating: 0, count: 32)
        verifier = ScramVerifier(
            iterations: ScramVerifier.defaultIterations, salt: Array(salt[..<16]), storedKey: zero, serverKey: zero)
        isMock = true
        serverNonce = Base64.encode(entropy)
    }

    /// The SCRAM message of SASLInitialResponse or SASLResponse.
    /// - Parameter data: nil: the client sent no initial response and wants an empty challenge first.
    public mutating func receive(_ data: [UInt8]?) -> Step {
        guard let data else {
            if case .waitingForFirst = state { return .challenge([]) }
            return violated(.malformedSCRAM("The message is empty.", in: "scram_exchange"))
        }
        guard !data.isEmpty else { return violated(.malformedSCRAM("The message is empty.", in: "scram_exchange")) }
        guard !data.contains(0) else {
            return violated(.malformedSCRAM("Message length does not match input length.", in: "scram_exchange"))
        }
        do throws(ServerMessage) {
            switch state {
            case .waitingForFirst: return try readFirst(data)
            case .saltSent(let flag, let bare, let serverFirst, let nonce):
                return try readFinal(data, flag: flag, bare: bare, serverFirst: serverFirst, nonce: nonce)
            case .over: return .wrongPassword
            }
        } catch {
            return violated(error)
        }
    }

    private mutating func violated(_ message: ServerMessage) -> Step {
        state = .over
        return .violation(message)
    }

    private mutating func readFirst(_ data: [UInt8]) throws(ServerMessage) -> Step {
        var text = ScramText(data, in: "read_client_first_message")
        let flag = text.current
        switch flag {
        // `y`: the client could bind but thinks that we can not, which is so.
        case UInt8(ascii: "n"), UInt8(ascii: "y"): text.advance()
        case UInt8(ascii: "p"):
            throw text.malformed(
                "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
        default: throw text.malformed("Unexpected channel-binding flag \"\(ScramText.shown(flag))\".")
        }
        guard text.current == UInt8(ascii: ",") else {
            throw text.malformed("Comma expected, but found character \"\(ScramText.shown(text.current))\".")
        }
        text.advance()
        guard text.current != UInt8(ascii: "a") else { throw .authorizationIdentity }
        guard text.current == UInt8(ascii: ",") else {
            throw text.malformed("Unexpected attribute \"\(ScramText.shown(text.current))\" in client-first-message.")
        }
        text.advance()
        let bare = Array(data[text.position...])
        guard text.current != UInt8(ascii: "m") else { throw .mandatoryExtension }
        // The user's name here is ignored, as PostgreSQL does: the start-up packet has said it.
        _ = try text.value(of: "n")
        let clientNonce = try text.value(of: "r")
        guard ScramText.isPrintable(clientNonce) else { throw .nonPrintableNonce }
        while !text.isAtEnd { _ = try text.anyAttribute() }

        let nonce = Array(clientNonce) + serverNonce
        let serverFirst =
            Array("r=".utf8) + nonce + Array(",s=".utf8) + Base64.encode(verifier.salt) + Array(",i=\(verifier.iterations)".utf8)
        state = .saltSent(clientFlag: flag, bare: bare, serverFirst: serverFirst, nonce: nonce)
        return .challenge(serverFirst)
    }

    private mutating func readFinal(
        _ data: [UInt8], flag: UInt8, bare: [UInt8], serverFirst: [UInt8], nonce: [UInt8]
    ) throws(ServerMessage) -> Step {
        var text = ScramText(data, in: "read_client_final_message")
        let binding = try text.value(of: "c")
        // base64 of "n,," and "y,,": the client must repeat the flag that it began with.
        guard binding.elementsEqual((flag == UInt8(ascii: "n") ? "biws" : "eSws").utf8) else { throw .unexpectedChannelBinding }
        let finalNonce = try text.value(of: "r")
        var proofText: ArraySlice<UInt8>
        var withoutProof: Int
        repeat {
            // The comma before the attribute; one has been consumed, or the text is over and the next read says so.
            withoutProof = max(0, text.position - 1)
            let (name, value) = try text.anyAttribute()
            proofText = value
            if name == "p" { break }
        } while true
        guard let proof = Base64.decodeStrict(proofText), proof.count == 32 else {
            throw text.malformed("Malformed proof in client-final-message.")
        }
        guard text.isAtEnd else { throw text.malformed("Garbage found at the end of client-final-message.") }
        guard Digest.equal(Array(finalNonce), nonce) else { throw .nonceMismatch }

        state = .over
        let comma = [UInt8(ascii: ",")]
        let message = bare + comma + serverFirst + comma + Array(data[..<withoutProof])
        guard let signature = Digest.hmacSHA256(key: verifier.storedKey, message),
            let storedKey = Digest.sha256(zip(proof, signature).map { $0 ^ $1 }),
            let serverSignature = Digest.hmacSHA256(key: verifier.serverKey, message)
        else { return .wrongPassword }
        guard Digest.equal(storedKey, verifier.storedKey), !isMock else { return .wrongPassword }
        return .proved(final: Array("v=".utf8) + Base64.encode(serverSignature))
    }
}
