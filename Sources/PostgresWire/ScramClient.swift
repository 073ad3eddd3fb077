internal import Basics

/// The client's side of SCRAM-SHA-256 (RFC 5802, 7677), without channel binding.
///
/// `first()`, then the server's challenge to `final(_:)`, then its last word to `verify(_:)`.
public struct ScramClient: Sendable {
    public enum Failure: Error, Sendable, Equatable {
        /// What the server said is not SCRAM, or asks for more iterations than we allow.
        case malformed(String)
        /// The server does not know the password either: it must not be trusted.
        case wrongServerSignature
        /// The server's `e=` attribute.
        case refused(String)
    }

    private let maximumIterations: Int
    private let password: [UInt8]
    private let nonce: [UInt8]
    private let bare: [UInt8]
    private var serverSignature: [UInt8]?

    /// - Parameters:
    ///   - user: PostgreSQL ignores it and libpq leaves it empty.
    ///   - password: prepared by SASLprep here.
    ///   - entropy: 18 random bytes for the nonce.
    ///   - maximumIterations: more are refused: a server may not keep us busy for longer than some seconds.
    public init(user: String = "", password: String, entropy: [UInt8], maximumIterations: Int = 10_000_000) {
        self.init(user: user, password: password, nonce: Base64.encode(entropy), maximumIterations: maximumIterations)
    }

    /// With a ready nonce: printable ASCII without commas (for test vectors).
    init(user: String, password: String, nonce: [UInt8], maximumIterations: Int = 10_000_000) {
        self.maximumIterations = maximumIterations
        self.password = Array(password.utf8)
        self.nonce = nonce
        var name: [UInt8] = []
        for byte in Saslprep.prepare(Array(user.utf8)) {
            switch byte {
            case UInt8(ascii: "="): name += Array("=3D".utf8)
            case UInt8(ascii: ","): name += Array("=2C".utf8)
            default: name.append(byte)
            }
        }
        bare = Array("n=".utf8) + name + Array(",r=".utf8) + nonce
    }

    /// For SASLInitialResponse.
    public func first() -> [UInt8] { Array("n,,".utf8) + bare }

    /// Answers the challenge. It blocks for the iterations.
    public mutating func final(_ challenge: [UInt8]) throws(Failure) -> [UInt8] {
        let fields: (nonce: [UInt8], salt: [UInt8], iterations: Int)
        do throws(ServerMessage) {
            var text = ScramText(challenge, in: "server-first-message")
            let nonce = try text.value(of: "r")
            let salt = try text.value(of: "s")
            let count = try text.value(of: "i")
            guard let salt = Base64.decodeStrict(salt), !salt.isEmpty, let iterations = ScramText.number(count) else {
                throw text.malformed("Salt or iteration count cannot be read.")
            }
            fields = (Array(nonce), salt, iterations)
        } catch {
            throw .malformed(error.detail ?? error.message)
        }
        guard fields.nonce.count > nonce.count, fields.nonce.starts(with: nonce), ScramText.isPrintable(fields.nonce) else {
            throw .malformed("The server's nonce does not begin with ours.")
        }
        guard fields.iterations <= maximumIterations else { throw .malformed("The iteration count is too high.") }
        let withoutProof = Array("c=biws,r=".utf8) + fields.nonce
        let comma = [UInt8(ascii: ",")]
        let message = bare + comma + challenge + comma + withoutProof
        guard let keys = ScramKeys(password: password, salt: fields.salt, iterations: fields.iterations),
            let clientSignature = Digest.hmacSHA256(key: keys.storedKey, message),
            let signature = Digest.hmacSHA256(key: keys.serverKey, message)
        else { throw .malformed("libcrypto refuses SHA-256.") }
        serverSignature = signature
        let proof = zip(keys.clientKey, clientSignature).map { $0 ^ $1 }
        return withoutProof + Array(",p=".utf8) + Base64.encode(proof)
    }

    /// Checks the server's last message: only then has it shown that it knows the verifier.
    public func verify(_ final: [UInt8]) throws(Failure) {
        if final.starts(with: "e=".utf8) { throw .refused(String(decoding: final.dropFirst(2), as: UTF8.self)) }
        guard final.starts(with: "v=".utf8), let serverSignature,
            let signature = Base64.decodeStrict(final.dropFirst(2).prefix { $0 != UInt8(ascii: ",") })
        else { throw .malformed("The server's final message cannot be read.") }
        guard Digest.equal(signature, serverSignature) else { throw .wrongServerSignature }
    }
}
