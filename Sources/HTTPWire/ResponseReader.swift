/// Gathers whole responses, for clients that want the body at once.
public struct ResponseReader: Sendable {
    public enum Step: Sendable, Equatable {
        case needMore
        case response(HTTPResponse, keepsAlive: Bool)
        case refused(HTTPRefusal)
    }

    private var parser: ResponseParser
    private var received: ResponseParser.Received?
    private var body: [UInt8] = []

    /// - Parameter method: of the request: an answer to HEAD has no body.
    public init(method: String, limits: HTTPLimits = HTTPLimits()) {
        parser = ResponseParser(method: method, limits: limits)
    }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Step {
        while true {
            if let step = take(parser.next(bytes, &position), bytes) { return step }
        }
    }

    /// The connection has ended, and `next` has said `needMore`.
    public mutating func connectionEnded() -> Step { take(parser.connectionEnded(), []) ?? .needMore }

    private mutating func take(_ event: ResponseParser.Event, _ bytes: [UInt8]) -> Step? {
        switch event {
        case .needMore: return .needMore
        case .refused(let refusal): return .refused(refusal)
        case .head(let new):
            received = new
            return nil
        case .body(let range):
            body.append(contentsOf: bytes[range])
            return nil
        case .end:
            guard let complete = received else { return .refused(.malformed("There is no response.")) }
            defer {
                received = nil
                body = []
            }
            let head = complete.head
            return .response(HTTPResponse(status: head.status, headers: head.headers, body: body), keepsAlive: complete.keepsAlive)
        }
    }
}
