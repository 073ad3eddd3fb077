#if !FUZZING
    public import PostgresWire
#endif

/// `StartupReader` over a growing buffer; both upgrades are refused, and a start-up, a cancel or a refusal ends it.
public struct StartupCodec: StreamCodec {
    public enum Output: Equatable {
        case request(StartupRequest, length: Int)
        case refused(StartupRefusal)
    }
    private var reader = StartupReader()
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init() {}

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        var outputs: [Output] = []
        while !isOver {
            switch reader.next(buffer, from: position) {
            case .needMore: return outputs
            case .refused(let refusal):
                outputs.append(.refused(refusal))
                isOver = true
            case .request(let request, let end):
                outputs.append(.request(request, length: end - position))
                position = end
                isOver = request != .ssl && request != .gssEncryption
            }
        }
        return outputs
    }
}

/// `BackendMessage` over a growing buffer.
public struct BackendCodec: StreamCodec {
    public enum Output: Equatable {
        case message(BackendMessage)
        case bad(String)
    }
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init() {}

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        var outputs: [Output] = []
        while !isOver {
            switch BackendMessage.read(buffer, from: position) {
            case .needMore: return outputs
            case .bad(let reason):
                outputs.append(.bad(reason))
                isOver = true
            case .message(let message, let end):
                outputs.append(.message(message))
                position = end
            }
        }
        return outputs
    }
}

/// `LoginExchange` over a growing buffer; what it sends, and how it ends.
public struct LoginCodec: StreamCodec {
    public enum Output: Equatable {
        case sent([UInt8])
        /// With the bytes behind the login.
        case accepted([UInt8])
        case refused([UInt8])
    }
    private var exchange: LoginExchange
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init(_ exchange: LoginExchange) { self.exchange = exchange }

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        var outputs: [Output] = []
        while !isOver {
            switch exchange.receive(buffer, from: position) {
            case .needMore: return outputs
            case .send(let reply, let end):
                outputs.append(.sent(reply))
                position = end
            case .accepted(let reply, let end):
                outputs.append(.accepted(reply))
                position = end
                isOver = true
            case .refused(let reply):
                outputs.append(.refused(reply))
                isOver = true
            }
        }
        return outputs
    }
}
