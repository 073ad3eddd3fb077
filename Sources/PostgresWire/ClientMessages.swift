/// A client's messages, built: for the daemon's own sessions over a raw connection, and for tests.
public enum ClientMessage {
    public static func sslRequest() -> [UInt8] { code(StartupReader.sslCode) }
    public static func gssEncryptionRequest() -> [UInt8] { code(StartupReader.gssCode) }

    public static func query(_ sql: String) -> [UInt8] { message("Q") { $0.appendCString(sql.utf8) } }
    public static func terminate() -> [UInt8] { message("X") { _ in } }
    public static func sync() -> [UInt8] { message("S") { _ in } }

    /// A clear password, or the `md5…` answer to a salt.
    public static func password(_ text: WireText) -> [UInt8] { message("p") { $0.appendCString(text.bytes) } }
    /// - Parameter data: nil: no initial response (length -1).
    public static func saslInitialResponse(mechanism: WireText, _ data: [UInt8]?) -> [UInt8] {
        message("p") {
            $0.appendCString(mechanism.bytes)
            $0.appendInt32(data.map { Int32(clamping: $0.count) } ?? -1)
            $0.append(contentsOf: data ?? [])
        }
    }
    public static func saslResponse(_ data: [UInt8]) -> [UInt8] { message("p") { $0.append(contentsOf: data) } }

    private static func code(_ value: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed { $0.appendUInt32(value) }
        return bytes
    }

    private static func message(_ type: Unicode.Scalar, _ body: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendMessage(UInt8(ascii: type), body)
        return bytes
    }
}
