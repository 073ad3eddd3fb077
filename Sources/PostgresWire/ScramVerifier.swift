internal import Basics

/// What a server keeps instead of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
/// (RFC 5803's form as PostgreSQL keeps it in `pg_authid`). Who has it can pose as the server: it prints as stars.
public struct ScramVerifier: Sendable, Equatable {
    public static let mechanism: WireText = "SCRAM-SHA-256"
    /// PostgreSQL's default (`scram_iterations` from 16 on).
    public static let defaultIterations = 4096

    public let iterations: Int
    public let salt: [UInt8]
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// - Returns: nil if it is not of exactly that form.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("SCRAM-SHA-256".utf8) else { return nil }
        let first = parts[1].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let second = parts[2].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard first.count == 2, second.count == 2, let iterations = ScramText.number(first[0]), let salt = Base64.decodeStrict(first[1]),
            let storedKey = Base64.decodeStrict(second[0]), let serverKey = Base64.decodeStrict(second[1]),
            storedKey.count == 32, serverKey.count == 32
        else { return nil }
        self.init(iterations: iterations, salt: salt, storedKey: storedKey, serverKey: serverKey)
    }

    /// Makes one. It blocks for the iterations, about a millisecond by default.
    /// - Parameters:
    ///   - password: prepared by SASLprep here.
    ///   - salt: 16 random bytes.
    /// - Returns: nil if libcrypto fails.
    public init?(password: String, salt: [UInt8], iterations: Int = ScramVerifier.defaultIterations) {
        guard let keys = ScramKeys(password: Array(password.utf8), salt: salt, iterations: iterations) else { return nil }
        self.init(iterations: iterations, salt: salt, storedKey: keys.storedKey, serverKey: keys.serverKey)
    }

    /// The form for `ALTER ROLE … PASSWORD` and `pg_authid`.
    public var formatted: String {
        func text(_ bytes: [UInt8]) -> String { String(decoding: Base64.encode(bytes), as: UTF8.self) }
        return "SCRAM-SHA-256$\(iterations):\(text(salt))$\(text(storedKey)):\(text(serverKey))"
    }

    /// Whether a verifier made from this password is this one. It blocks for the iterations.
    public func matches(password: String) -> Bool {
        guard let keys = ScramKeys(password: Array(password.utf8), salt: salt, iterations: iterations) else { return false }
        return Digest.equal(keys.storedKey, storedKey)
    }
}

extension ScramVerifier: CustomStringConvertible, CustomReflectable {
    public var description: String { "SCRAM-SHA-256$***" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The keys of RFC 5802 §3 that come from a password.
struct ScramKeys {
    let clientKey: [UInt8]
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    init?(password: [UInt8], salt: [UInt8], iterations: Int) {
        guard let salted = Digest.pbkdf2SHA256(password: Saslprep.prepare(password), salt: salt, iterations: iterations),
            let clientKey = Digest.hmacSHA256(key: salted, Array("Client Key".utf8)),
            let storedKey = Digest.sha256(clientKey),
            let serverKey = Digest.hmacSHA256(key: salted, Array("Server Key".utf8))
        else { return nil }
        self.clientKey = clientKey
        self.storedKey = storedKey
        self.serverKey = serverKey
    }
}
