/// Takes responses from a client's buffer: the counterpart of `RequestParser`, for `dev` and for tests.
public struct ResponseParser: Sendable {
    public enum Event: Sendable, Equatable {
        case needMore
        /// Interim responses (100, 103) are skipped; 101 is final, and what follows is not HTTP.
        case head(ResponseHead, keepsAlive: Bool)
        /// A piece of the body: indices in the buffer, which are before the position now.
        case body(Range<Int>)
        case end
        /// What came is not a response, or ended too early; the status means nothing here.
        case refused(HTTPRefusal)
    }

    private enum State: Sendable {
        case head(HeadScanner)
        case body(BodyDecoder)
        case refused(HTTPRefusal)
    }

    public var limits: HTTPLimits
    private let isHead: Bool
    private var state: State = .head(HeadScanner())

    /// - Parameter method: of the requests it will see answers to: an answer to HEAD has no body.
    public init(method: String, limits: HTTPLimits = HTTPLimits()) {
        isHead = method == "HEAD"
        self.limits = limits
    }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        guard position >= 0 else { return .needMore }
        do throws(HTTPRefusal) {
            while true {
                switch state {
                case .refused(let refusal): return .refused(refusal)
                case .head(var scanner):
                    state = .head(HeadScanner())
                    guard case .complete(let length) = try scanner.scan(bytes, from: position, limits) else {
                        state = .head(scanner)
                        return .needMore
                    }
                    let (head, minorVersion) = try Self.head(scanner, bytes, from: position)
                    position += length
                    // Interim: the final one follows.
                    if (100..<200).contains(head.status), head.status != 101 { continue }
                    let framing =
                        isHead || !head.mayHaveBody
                        ? BodyFraming.none : try BodyFraming(head.headers, minorVersion: minorVersion, otherwise: .untilClose)
                    state = .body(BodyDecoder(framing))
                    let options = head.headers.tokens("connection")
                    let keeps = !options.contains("close") && (minorVersion >= 1 || options.contains("keep-alive"))
                    return .head(head, keepsAlive: keeps && framing != .untilClose)
                case .body(var decoder):
                    let step = try decoder.next(bytes, &position, limits)
                    state = step == .finished ? .head(HeadScanner()) : .body(decoder)
                    return switch step {
                    case .needMore: .needMore
                    case .bytes(let range): .body(range)
                    case .finished: .end
                    }
                }
            }
        } catch {
            state = .refused(error)
            return .refused(error)
        }
    }

    /// The connection has ended, and `next` has said `needMore`: the end of a body that lasts until then, else torn.
    public mutating func connectionEnded() -> Event {
        if case .body(let decoder) = state, decoder.endsWithConnection {
            state = .head(HeadScanner())
            return .end
        }
        let refusal = HTTPRefusal(502, "The connection ended before the response did.")
        state = .refused(refusal)
        return .refused(refusal)
    }

    private static func head(
        _ scanner: HeadScanner, _ bytes: [UInt8], from start: Int
    ) throws(HTTPRefusal) -> (ResponseHead, minorVersion: Int) {
        guard let line = scanner.lines.first else { throw .malformed("There is no status line.") }
        // The phrase may be empty and hold blanks.
        let parts = bytes[start + line.lowerBound..<start + line.upperBound]
            .split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[1].count == 3, let status = Grammar.decimal(parts[1]), (100...599).contains(status) else {
            throw .malformed("The status line is malformed.")
        }
        let minorVersion = try RequestHead.minorVersion(parts[0])
        return (ResponseHead(status: status, headers: try scanner.headers(bytes, from: start)), minorVersion)
    }
}
