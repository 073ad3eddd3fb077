internal import Basics
internal import PostgresWire

/// Owners' passwords and what PostgreSQL keeps of them.
enum Passwords {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    /// 24 letters and digits, 142 bits, the same in a URL as elsewhere.
    static func generate(_ random: () -> UInt64) -> Secret {
        var text: [UInt8] = []
        while text.count < 24 {
            // Rejection keeps every character equally likely: 6 bits at a time, 62 and 63 are thrown away.
            var bits = random()
            for _ in 0..<10 where text.count < 24 {
                let index = Int(bits & 63)
                bits >>= 6
                if index < alphabet.count { text.append(alphabet[index]) }
            }
        }
        return Secret(String(decoding: text, as: UTF8.self))
    }

    /// Blocks for about a millisecond.
    static func verifier(_ password: Secret, _ random: () -> UInt64) throws(DevError) -> Secret {
        let salt = [random(), random()].flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        guard let verifier = ScramVerifier(password: password.reveal(), salt: salt) else {
            throw DevError(.internal, "libcrypto gave no SCRAM verifier", object: "password")
        }
        return Secret(verifier.formatted)
    }

    /// - Throws: `bad-configuration` for what PostgreSQL or a URL can't carry.
    static func check(_ password: Secret) throws(DevError) {
        let bytes = password.reveal().utf8
        guard !bytes.isEmpty, bytes.count <= 1000, !bytes.contains(0) else {
            throw DevError(.badConfiguration, "The password can't be used", object: "password", cause: "it must have 1 to 1000 bytes")
        }
    }
}
