#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Takes requests from a connection's buffer, one behind the other.
///
/// `head → body → end → head …`; a refusal is final. The caller keeps the buffer and a position in it, calls `next`
/// until it says `needMore`, and may cut what lies before the position at any time.
public struct RequestParser: Sendable {
    public typealias Event = MessageEvent<RequestHead>

    /// May be changed between events, such as the body's once the head has said which route it is.
    public var limits: HTTPLimits { didSet { last = nil } }
    private var flow = MessageFlow()
    /// A client sends the same head again and again; to compare it costs a hundredth of reading it.
    private var last: (bytes: [UInt8], head: RequestHead)?

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    private static let keptHead = 4_096

    private static func isHead(_ head: [UInt8], in bytes: [UInt8], at position: Int) -> Bool {
        guard bytes.count - position >= head.count else { return false }
        return bytes.withUnsafeBytes { bytes in
            head.withUnsafeBytes { head in
                guard let start = bytes.baseAddress, let wanted = head.baseAddress else { return false }
                return memcmp(start + position, wanted, head.count) == 0
            }
        }
    }

    /// Nothing of a request has been seen: the connection may be closed without loss.
    public func isIdle(_ bytes: [UInt8], _ position: Int) -> Bool { flow.isBeforeHead && position >= bytes.count }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        if let last, flow.isFresh, position >= 0, Self.isHead(last.bytes, in: bytes, at: position) {
            position += last.bytes.count
            flow.begin(last.head.framing)
            return .head(last.head)
        }
        let start = position
        let event: Event = flow.next(bytes, &position, limits) { scanner, start throws(HTTPRefusal) in
            let head = try RequestHead(scanner, bytes, from: start)
            return (head, head.framing)
        }
        if case .head(let head) = event, position - start <= Self.keptHead { last = (Array(bytes[start..<position]), head) }
        return event
    }
}
