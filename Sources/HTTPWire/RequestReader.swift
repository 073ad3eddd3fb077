/// A whole request.
public struct HTTPRequest: Sendable, Equatable {
    public var head: RequestHead
    public var body: [UInt8]
}

/// Gathers whole requests, for handlers that want the body at once.
public struct RequestReader: Sendable {
    public enum Step: Sendable, Equatable {
        case needMore
        /// Send `HTTPResponse.continueLine` and go on: the client waits for it before it sends the body. Said once a
        /// request, and only while no byte of the body is there.
        case sendContinue
        case request(HTTPRequest)
        case refused(HTTPRefusal)
    }

    private var parser: RequestParser
    private var head: RequestHead?
    private var body: [UInt8] = []
    private var mayContinue = false

    public init(limits: HTTPLimits = HTTPLimits()) { parser = RequestParser(limits: limits) }

    /// Nothing of a request has been seen: the connection may be closed without loss.
    public func isIdle(_ bytes: [UInt8], _ position: Int) -> Bool { head == nil && parser.isIdle(bytes, position) }

    /// A request's head has been read, and its body is being read.
    public var isInBody: Bool { head != nil }

    /// Call until it says `needMore` (or `refused`); `position` moves on.
    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Step {
        while true {
            switch parser.next(bytes, &position) {
            case .needMore:
                guard mayContinue else { return .needMore }
                mayContinue = false
                return .sendContinue
            case .head(let new):
                head = new
                mayContinue = new.expectsContinue
            case .body(let range):
                mayContinue = false
                body.append(contentsOf: bytes[range])
            case .end:
                guard let complete = head else { return .refused(.malformed("There is no request.")) }
                defer {
                    head = nil
                    body = []
                    mayContinue = false
                }
                return .request(HTTPRequest(head: complete, body: body))
            case .refused(let refusal): return .refused(refusal)
            }
        }
    }
}
