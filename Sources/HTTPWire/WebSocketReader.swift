/// Takes messages from a connection's buffer, whole, whatever pieces and frames they come in. A failure is final.
/// The caller keeps the buffer and a position in it, and may cut what lies before the position at any time.
public struct WebSocketReader: Sendable {
    public enum Event: Sendable, Equatable {
        case needMore
        /// Is UTF-8.
        case text([UInt8])
        case binary([UInt8])
        case ping([UInt8])
        case pong
        /// The peer leaves; answer with its code and close. nil: it gave no code.
        case close(WebSocketClose?)
        /// What came is against the protocol or a limit: send this and close.
        case failed(WebSocketClose)
    }

    private struct Header: Sendable {
        var opcode: WebSocketFrame.Opcode
        var isFinal: Bool
        var length: Int
        var mask: [UInt8]?
        /// Bytes of its payload that have been taken.
        var taken = 0
    }

    private enum State: Sendable {
        case header
        case payload(Header)
        case ended(Event)
    }

    /// Bytes of a whole message: 1009.
    private let limit: Int
    private let expectsMask: Bool
    private var state: State = .header
    /// The kind of the message whose frames are coming; nil between messages.
    private var kind: WebSocketFrame.Opcode?
    private var message: [UInt8] = []
    private var control: [UInt8] = []

    /// - Parameters:
    ///   - limit: bytes of a message.
    ///   - expectsMask: true at a server: clients mask, and must.
    public init(limit: Int, expectsMask: Bool = true) {
        self.limit = limit
        self.expectsMask = expectsMask
    }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        guard position >= 0 else { return .needMore }
        do throws(WebSocketClose) {
            while true {
                switch state {
                case .ended(let event): return event
                case .header:
                    guard let header = try header(bytes, &position) else { return .needMore }
                    state = .payload(header)
                case .payload(var header):
                    // Let go of the copy in the state first.
                    state = .header
                    take(&header, bytes, &position)
                    guard header.taken == header.length else {
                        state = .payload(header)
                        return .needMore
                    }
                    guard let event = try complete(header) else { continue }
                    if case .close = event { state = .ended(event) }
                    return event
                }
            }
        } catch {
            message = []
            state = .ended(.failed(error))
            return .failed(error)
        }
    }

    /// - Returns: nil while it is not all there; then nothing is taken.
    private func header(_ bytes: [UInt8], _ position: inout Int) throws(WebSocketClose) -> Header? {
        guard bytes.count - position >= 2 else { return nil }
        let (first, second) = (bytes[position], bytes[position + 1])
        guard first & 0x70 == 0 else { throw .violation("reserved bits are set") }
        guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else { throw .violation("unknown opcode") }
        let isFinal = first & 0x80 != 0
        let short = Int(second & 0x7F)
        if opcode.isControl {
            guard isFinal, short <= 125 else { throw .violation("a control frame is too long or fragmented") }
        } else if (opcode == .continuation) != (kind != nil) {
            throw .violation("frames of two messages are mixed")
        }
        guard (second & 0x80 != 0) == expectsMask else { throw .violation(expectsMask ? "a frame is not masked" : "a frame is masked") }
        let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
        let end = position + 2 + lengthBytes
        guard bytes.count >= end + (expectsMask ? 4 : 0) else { return nil }
        var length = UInt64(short)
        if lengthBytes > 0 {
            length = bytes[position + 2..<end].reduce(0) { $0 << 8 | UInt64($1) }
            guard length > (lengthBytes == 2 ? 125 : 0xFFFF), length < 1 << 63 else {
                throw .violation("a length is not in its shortest form")
            }
        }
        if !opcode.isControl {
            guard length <= UInt64(max(0, limit - message.count)) else { throw WebSocketClose(1009, "a message is too large") }
        }
        position = end + (expectsMask ? 4 : 0)
        return Header(opcode: opcode, isFinal: isFinal, length: Int(length), mask: expectsMask ? Array(bytes[end..<end + 4]) : nil)
    }

    private mutating func take(_ header: inout Header, _ bytes: [UInt8], _ position: inout Int) {
        let count = min(header.length - header.taken, bytes.count - position)
        guard count > 0 else { return }
        let piece = bytes[position..<position + count]
        if header.opcode.isControl {
            WebSocketReader.append(piece, header, to: &control)
        } else {
            WebSocketReader.append(piece, header, to: &message)
        }
        position += count
        header.taken += count
    }

    private static func append(_ piece: ArraySlice<UInt8>, _ header: Header, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: piece)
        guard let mask = header.mask else { return }
        let (taken, count) = (header.taken, piece.count)
        bytes.withUnsafeMutableBufferPointer { bytes in
            mask.withUnsafeBufferPointer { mask in
                for index in 0..<count { bytes[start + index] ^= mask[(taken + index) & 3] }
            }
        }
    }

    /// - Returns: nil for a frame that does not end a message.
    private mutating func complete(_ header: Header) throws(WebSocketClose) -> Event? {
        guard !header.opcode.isControl else {
            defer { control = [] }
            switch header.opcode {
            case .ping: return .ping(control)
            case .pong: return .pong
            default: return .close(try WebSocketReader.close(control))
            }
        }
        let opcode = kind ?? header.opcode
        guard header.isFinal else {
            kind = opcode
            return nil
        }
        kind = nil
        defer { message = [] }
        if opcode == .binary { return .binary(message) }
        guard isUTF8(message) else { throw WebSocketClose(1007, "a text is not UTF-8") }
        return .text(message)
    }

    private static func close(_ payload: [UInt8]) throws(WebSocketClose) -> WebSocketClose? {
        if payload.isEmpty { return nil }
        guard payload.count >= 2, case let code = UInt16(payload[0]) << 8 | UInt16(payload[1]), WebSocketClose.isCode(code) else {
            throw .violation("a close frame has no valid code")
        }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else { throw WebSocketClose(1007, "a reason is not UTF-8") }
        return WebSocketClose(code, reason)
    }
}

private func isUTF8(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
        // ASCII, which most is, without a String.
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}
