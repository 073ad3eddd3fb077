/// PostgreSQL's old password form: `md5` and the hex of md5(password + user), kept in `pg_authid` and, hashed once more
/// with a salt, sent by the client.
public struct MD5Verifier: Sendable, Equatable {
    private let hex: [UInt8]

    /// - Returns: nil unless it is `md5` and 32 hexadecimal digits.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let digits = bytes.dropFirst(3)
        guard bytes.starts(with: "md5".utf8), digits.count == 32, digits.allSatisfy(Self.isHex) else { return nil }
        hex = Array(digits)
    }

    /// - Returns: nil if libcrypto refuses MD5.
    public init?(password: String, user: WireText) {
        guard let digest = Self.hexDigest(Array(password.utf8) + user.bytes) else { return nil }
        hex = digest
    }

    public var formatted: String { String(decoding: Array("md5".utf8) + hex, as: UTF8.self) }

    /// What a client that knows the password sends for this salt of 4 bytes; nil if libcrypto refuses MD5.
    public func response(salt: [UInt8]) -> WireText? {
        Self.hexDigest(hex + salt).map { WireText(Array("md5".utf8) + $0) }
    }

    public func accepts(_ answer: WireText, salt: [UInt8]) -> Bool {
        guard let expected = response(salt: salt) else { return false }
        return Digest.equal(answer.bytes, expected.bytes)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func hexDigest(_ bytes: [UInt8]) -> [UInt8]? {
        let digits = Array("0123456789abcdef".utf8)
        return Digest.md5(bytes)?.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}

extension MD5Verifier: CustomStringConvertible, CustomReflectable {
    public var description: String { "md5***" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
