/// Writes frames (RFC 6455 §5.2).
public enum WebSocketFrame {
    public enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    /// - Parameters:
    ///   - isFinal: no continuation follows.
    ///   - mask: clients must, servers must not.
    public static func append(
        _ opcode: Opcode, _ payload: some Collection<UInt8>, isFinal: Bool = true, mask: [UInt8]? = nil, to bytes: inout [UInt8]
    ) {
        bytes.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        let count = payload.count
        if count < 126 {
            bytes.append(masked | UInt8(truncatingIfNeeded: count))
        } else {
            let isShort = count <= 0xFFFF
            bytes.append(masked | (isShort ? 126 : 127))
            for shift in stride(from: isShort ? 8 : 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: UInt64(count) >> UInt64(shift)))
            }
        }
        guard let mask, mask.count == 4 else {
            bytes.append(contentsOf: payload)
            return
        }
        bytes.append(contentsOf: mask)
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index & 3]) }
    }

    public static func encoded(_ opcode: Opcode, _ payload: some Collection<UInt8>, isFinal: Bool = true, mask: [UInt8]? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        append(opcode, payload, isFinal: isFinal, mask: mask, to: &bytes)
        return bytes
    }

    /// - Parameter close: a reason over 123 bytes is cut.
    public static func encoded(_ close: WebSocketClose, mask: [UInt8]? = nil) -> [UInt8] {
        var reason = Substring(close.reason)
        while reason.utf8.count > 123 { reason.removeLast() }
        return encoded(.close, [UInt8(close.code >> 8), UInt8(close.code & 0xFF)] + reason.utf8, mask: mask)
    }
}

/// Why a WebSocket ends (RFC 6455 §7.4.1).
public struct WebSocketClose: Error, Sendable, Equatable {
    public var code: UInt16
    public var reason: String

    public init(_ code: UInt16, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    static func violation(_ reason: String) -> WebSocketClose { WebSocketClose(1002, reason) }

    /// What may stand in a frame.
    static func isCode(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
