/// Takes requests from a connection's buffer, one behind the other.
///
/// `head → body → end → head …`; a refusal is final. The caller keeps the buffer and a position in it, calls `next`
/// until it says `needMore`, and may cut what lies before the position at any time.
public struct RequestParser: Sendable {
    public typealias Event = MessageEvent<RequestHead>

    /// May be changed between events, such as the body's once the head has said which route it is.
    public var limits: HTTPLimits
    private var flow = MessageFlow()

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Nothing of a request has been seen: the connection may be closed without loss.
    public func isIdle(_ bytes: [UInt8], _ position: Int) -> Bool { flow.isBeforeHead && position >= bytes.count }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        flow.next(bytes, &position, limits) { scanner, start throws(HTTPRefusal) in
            let head = try RequestHead(scanner, bytes, from: start)
            return (head, head.framing)
        }
    }
}
