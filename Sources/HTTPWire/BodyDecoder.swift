/// How long a body is.
public enum BodyFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
    /// Responses only: it ends with the connection.
    case untilClose

    /// By RFC 9112 §6: both lengths at once, or one that could be read in two ways, are refused.
    init(_ headers: Headers, minorVersion: Int, otherwise: BodyFraming) throws(HTTPRefusal) {
        let lengths = headers.values("content-length")
        let codings = headers.values("transfer-encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty else { throw .malformed("Content-Length and Transfer-Encoding exclude each other.") }
            guard minorVersion >= 1 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding.") }
            let tokens = headers.tokens("transfer-encoding")
            guard tokens.last == "chunked", tokens.filter({ $0 == "chunked" }).count == 1 else {
                throw .malformed("The last Transfer-Encoding is not chunked.")
            }
            guard tokens.count == 1 else { throw HTTPRefusal(501, "Only chunked is supported as Transfer-Encoding.") }
            self = .chunked
        } else if let length = lengths.first {
            guard lengths.count == 1, let count = Grammar.decimal(length.utf8) else {
                throw .malformed("Content-Length is not one number.")
            }
            self = .length(count)
        } else {
            self = otherwise
        }
    }
}

/// Takes a body out of the buffer, piece by piece.
struct BodyDecoder: Sendable {
    enum Step: Equatable {
        case needMore
        /// Indices in the buffer; the position has been moved behind them.
        case bytes(Range<Int>)
        case finished
    }

    private enum State: Sendable {
        case counted(remaining: Int)
        case untilClose
        case chunked(ChunkDecoder)
        case finished
    }

    private var state: State
    private var total = 0

    init(_ framing: BodyFraming) {
        state =
            switch framing {
            case .none: .finished
            case .length(let count): count == 0 ? .finished : .counted(remaining: count)
            case .chunked: .chunked(ChunkDecoder())
            case .untilClose: .untilClose
            }
    }

    var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    mutating func next(_ bytes: [UInt8], _ position: inout Int, _ limits: HTTPLimits) throws(HTTPRefusal) -> Step {
        switch state {
        case .finished: return .finished
        case .untilClose:
            return try piece(bytes.count - position, &position, limits)
        case .counted(let remaining):
            // Told before the body comes, not when its limit is passed.
            guard remaining <= limits.body - total else {
                throw HTTPRefusal(413, "The body is too large.")
            }
            let count = min(remaining, bytes.count - position)
            state = count == remaining ? .finished : .counted(remaining: remaining - count)
            return try piece(count, &position, limits)
        case .chunked(var decoder):
            defer { if case .chunked = state { state = .chunked(decoder) } }
            switch try decoder.next(bytes, &position, limits, total: total) {
            case .needMore: return .needMore
            case .data(let count): return try piece(count, &position, limits)
            case .finished:
                state = .finished
                return .finished
            }
        }
    }

    private mutating func piece(_ count: Int, _ position: inout Int, _ limits: HTTPLimits) throws(HTTPRefusal) -> Step {
        guard count > 0 else { return .needMore }
        guard count <= limits.body - total else { throw HTTPRefusal(413, "The body is too large.") }
        total += count
        defer { position += count }
        return .bytes(position..<position + count)
    }
}
