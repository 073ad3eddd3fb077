/// A server's message, both ways: the front writes some, tests and the daemon's readiness proof read them.
public enum BackendMessage: Sendable, Equatable {
    public enum TransactionStatus: UInt8, Sendable {
        case idle = 0x49  // I
        case inTransaction = 0x54  // T
        case failed = 0x45  // E
    }

    case authentication(AuthenticationRequest)
    case parameterStatus(name: WireText, value: WireText)
    /// The key has 4 bytes, from protocol 3.2 on up to 256.
    case backendKeyData(pid: Int32, key: [UInt8])
    case readyForQuery(TransactionStatus)
    /// The newest version the server speaks, as the start-up packet writes it (3.0 is 0x30000), and the `_pq_.`
    /// options that it does not know.
    case negotiateProtocolVersion(newest: UInt32, unknownOptions: [WireText])
    case error(ServerMessage)
    case notice(ServerMessage)
    /// Any other, by its type byte.
    case other(UInt8, [UInt8])

    public var type: UInt8 {
        switch self {
        case .authentication: UInt8(ascii: "R")
        case .parameterStatus: UInt8(ascii: "S")
        case .backendKeyData: UInt8(ascii: "K")
        case .readyForQuery: UInt8(ascii: "Z")
        case .negotiateProtocolVersion: UInt8(ascii: "v")
        case .error: UInt8(ascii: "E")
        case .notice: UInt8(ascii: "N")
        case .other(let type, _): type
        }
    }

    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    public func append(to bytes: inout [UInt8]) {
        bytes.appendMessage(type) {
            switch self {
            case .authentication(let request): request.append(to: &$0)
            case .parameterStatus(let name, let value):
                $0.appendCString(name.bytes)
                $0.appendCString(value.bytes)
            case .backendKeyData(let pid, let key):
                $0.appendInt32(pid)
                $0.append(contentsOf: key)
            case .readyForQuery(let status): $0.append(status.rawValue)
            case .negotiateProtocolVersion(let newest, let options):
                $0.appendUInt32(newest)
                $0.appendUInt32(UInt32(truncatingIfNeeded: options.count))
                for option in options { $0.appendCString(option.bytes) }
            case .error(let message), .notice(let message): message.appendFields(to: &$0)
            case .other(_, let body): $0.append(contentsOf: body)
            }
        }
    }
}

extension BackendMessage {
    public enum Step: Sendable, Equatable {
        case needMore
        /// `end`: index behind the message.
        case message(BackendMessage, end: Int)
        /// Not what a PostgreSQL server says, with the reason.
        case bad(String)
    }

    /// The message that begins at `start`. A message must be consumed to its last byte.
    /// - Parameter limit: most bytes of one message; a start-up needs few, a row may need more.
    public static func read(_ bytes: [UInt8], from start: Int = 0, limit: Int = 1 << 20) -> Step {
        switch MessageFrame.read(bytes, from: start, limit: limit) {
        case .needMore: return .needMore
        case .badLength: return .bad("message of type \(bytes[start]) has an impossible length")
        case .message(let frame):
            guard let message = BackendMessage(type: frame.type, bytes[frame.body]) else {
                return .bad("malformed message of type \(frame.type)")
            }
            return .message(message, end: frame.end)
        }
    }

    init?(type: UInt8, _ body: ArraySlice<UInt8>) {
        var cursor = ByteCursor(body)
        switch type {
        case UInt8(ascii: "R"):
            guard let request = AuthenticationRequest(&cursor) else { return nil }
            self = .authentication(request)
        case UInt8(ascii: "S"):
            guard let name = cursor.cString(), let value = cursor.cString() else { return nil }
            self = .parameterStatus(name: WireText(name), value: WireText(value))
        case UInt8(ascii: "K"):
            guard let pid = cursor.int32() else { return nil }
            self = .backendKeyData(pid: pid, key: Array(cursor.rest()))
        case UInt8(ascii: "Z"):
            guard let status = cursor.byte().flatMap(TransactionStatus.init(rawValue:)) else { return nil }
            self = .readyForQuery(status)
        case UInt8(ascii: "v"):
            guard let newest = cursor.uint32(), let count = cursor.uint32() else { return nil }
            var options: [WireText] = []
            // Grows by what is there, not by what the count claims.
            for _ in 0..<count {
                guard let option = cursor.cString() else { return nil }
                options.append(WireText(option))
            }
            self = .negotiateProtocolVersion(newest: newest, unknownOptions: options)
        case UInt8(ascii: "E"), UInt8(ascii: "N"):
            guard let message = ServerMessage(&cursor) else { return nil }
            self = type == UInt8(ascii: "E") ? .error(message) : .notice(message)
        default: self = .other(type, Array(cursor.rest()))
        }
        guard cursor.isAtEnd else { return nil }
    }
}
