/// A string of the protocol as its bytes: without NUL, in whatever encoding the client uses. Kept as bytes because
/// what is passed on must not change, and a Swift `String` would repair what is not UTF-8.
public struct WireText: Sendable, Hashable {
    public var bytes: [UInt8]

    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public init(_ string: String) { self.bytes = Array(string.utf8) }

    public var isEmpty: Bool { bytes.isEmpty }
    /// For messages and logs: what is not UTF-8 is replaced.
    public var string: String { String(decoding: bytes, as: UTF8.self) }
    /// As the name of a role or database: PostgreSQL cuts names after 63 bytes (NAMEDATALEN - 1).
    public var name: WireText { bytes.count <= 63 ? self : WireText(bytes[..<63]) }
}

extension WireText: ExpressibleByStringLiteral, CustomStringConvertible {
    public init(stringLiteral value: String) { self.init(value) }
    public var description: String { string }
}
