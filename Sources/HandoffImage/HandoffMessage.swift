/// What the front says to the library on a private connection, and what it hears (Sources/CHandoff/README.md).
public enum HandoffMessage {
    /// Most bytes of a client that a message carries: its start-up packet and what came behind it.
    public static let limit = 32_768
    /// Sent through the tether when the backend has begun to answer the client: our copy of its socket can be closed.
    public static let taken: UInt8 = 0x06

    private static let marker = Array("devdbHO1".utf8)

    /// To be sent with the client's descriptor, which travels with the first byte.
    /// - Parameter bytes: 1 to `limit` bytes that the client has sent.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: bytes.count)
        return marker + (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * $0)) } + bytes
    }

    /// The abstract name, without its leading zero byte, for our end of a private connection: how the library shows the
    /// client to the server.
    /// - Parameters:
    ///   - trusted: as ::1, whom pg_hba.conf trusts; else as 127.0.0.1, who is asked for a password.
    ///   - address: numeric, at most 45 bytes.
    ///   - random: makes the name the only one.
    public static func peerName(trusted: Bool, address: String, port: UInt16, random: UInt64) -> String {
        // Not by interpolation, which costs more than the connection's other bytes together.
        var name = trusted ? "devdb/t/" : "devdb/a/"
        name += address
        name += "/"
        name += String(port)
        name += "/"
        name += String(random, radix: 16)
        return name
    }
}
