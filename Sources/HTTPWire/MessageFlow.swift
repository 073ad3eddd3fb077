/// What a parser of messages says next.
public enum MessageEvent<Head: Sendable & Equatable>: Sendable, Equatable {
    case needMore
    case head(Head)
    /// A piece of the body: indices in the buffer, which are before the position now.
    case body(Range<Int>)
    /// The message is complete. The next call begins the next one.
    case end
    /// Final.
    case refused(HTTPRefusal)
}

/// What requests and responses have in common: a head, its body, the next head; a refusal is final.
struct MessageFlow: Sendable {
    private enum State: Sendable {
        case head(HeadScanner)
        case body(BodyDecoder)
        case refused(HTTPRefusal)
    }
    private var state: State = .head(HeadScanner())

    var isBeforeHead: Bool { if case .head = state { true } else { false } }
    /// No byte of the next head has been looked at.
    var isFresh: Bool { if case .head(let scanner) = state { scanner.isFresh } else { false } }
    /// The head has been read elsewhere; its body comes.
    mutating func begin(_ framing: BodyFraming) { state = .body(BodyDecoder(framing)) }

    /// - Parameter read: the head that begins at the index and how long its body is; nil to pass over it.
    mutating func next<Head>(
        _ bytes: [UInt8], _ position: inout Int, _ limits: HTTPLimits,
        _ read: (HeadScanner, Int) throws(HTTPRefusal) -> (Head, BodyFraming)?
    ) -> MessageEvent<Head> {
        guard position >= 0 else { return .needMore }
        do throws(HTTPRefusal) {
            while true {
                switch state {
                case .refused(let refusal): return .refused(refusal)
                case .head(var scanner):
                    // Let go of the state's copy, so that the scanner's list grows in place.
                    state = .head(HeadScanner())
                    guard case .complete(let length) = try scanner.scan(bytes, from: position, limits) else {
                        state = .head(scanner)
                        return .needMore
                    }
                    let found = try read(scanner, position)
                    position += length
                    guard let (head, framing) = found else { continue }
                    state = .body(BodyDecoder(framing))
                    return .head(head)
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
            return refuse(error)
        }
    }

    /// The connection has ended: the end of a body that lasts until then, else torn.
    mutating func connectionEnded<Head>() -> MessageEvent<Head> {
        if case .body(let decoder) = state, decoder.endsWithConnection {
            state = .head(HeadScanner())
            return .end
        }
        return refuse(HTTPRefusal(502, "The connection ended before the response did."))
    }

    private mutating func refuse<Head>(_ refusal: HTTPRefusal) -> MessageEvent<Head> {
        state = .refused(refusal)
        return .refused(refusal)
    }
}
