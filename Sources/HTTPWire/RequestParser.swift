/// Takes requests from a connection's buffer, one behind the other.
///
/// `head → body → end → head …`; a refusal is final. The caller keeps the buffer and a position in it, calls `next`
/// until it says `needMore`, and may cut what lies before the position at any time.
public struct RequestParser: Sendable {
    public enum Event: Sendable, Equatable {
        case needMore
        case head(RequestHead)
        /// A piece of the body: indices in the buffer, which are before the position now.
        case body(Range<Int>)
        /// The request is complete. The next call begins the next one.
        case end
        case refused(HTTPRefusal)
    }

    private enum State: Sendable {
        case head(HeadScanner)
        case body(BodyDecoder)
        case refused(HTTPRefusal)
    }

    /// May be changed between events, such as the body's once the head has said which route it is.
    public var limits: HTTPLimits
    private var state: State = .head(HeadScanner())

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Nothing of a request has been seen: the connection may be closed without loss.
    public func isIdle(_ bytes: [UInt8], _ position: Int) -> Bool {
        if case .head = state { position >= bytes.count } else { false }
    }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        guard position >= 0 else { return .needMore }
        do throws(HTTPRefusal) {
            switch state {
            case .refused(let refusal): return .refused(refusal)
            case .head(var scanner):
                // Let go of the state's copy, so that the scanner's list grows in place.
                state = .head(HeadScanner())
                switch try scanner.scan(bytes, from: position, limits) {
                case .needMore:
                    state = .head(scanner)
                    return .needMore
                case .complete(let length):
                    let head = try RequestHead(scanner, bytes, from: position)
                    position += length
                    state = .body(BodyDecoder(head.framing))
                    return .head(head)
                }
            case .body(var decoder):
                let step = try decoder.next(bytes, &position, limits)
                state = step == .finished ? .head(HeadScanner()) : .body(decoder)
                return switch step {
                case .needMore: .needMore
                case .bytes(let range): .body(range)
                case .finished: .end
                }
            }
        } catch {
            state = .refused(error)
            return .refused(error)
        }
    }
}
