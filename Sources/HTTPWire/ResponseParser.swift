/// Takes responses from a client's buffer: the counterpart of `RequestParser`, for `dev` and for tests. Interim responses
/// (100, 103) are skipped; 101 is final, and what follows is not HTTP. In a refusal (what came is not a response, or
/// ended too early) the status means nothing.
public struct ResponseParser: Sendable {
    public struct Received: Sendable, Equatable {
        public var head: ResponseHead
        /// The connection can be used for another request.
        public var keepsAlive: Bool
    }
    public typealias Event = MessageEvent<Received>

    public var limits: HTTPLimits
    private let isHead: Bool
    private var flow = MessageFlow()

    /// - Parameter method: of the requests it will see answers to: an answer to HEAD has no body.
    public init(method: String, limits: HTTPLimits = HTTPLimits()) {
        isHead = method == "HEAD"
        self.limits = limits
    }

    public mutating func next(_ bytes: [UInt8], _ position: inout Int) -> Event {
        let isHead = isHead
        return flow.next(bytes, &position, limits) { scanner, start throws(HTTPRefusal) in
            let (head, minorVersion) = try Self.head(scanner, bytes, from: start)
            // Interim: the final one follows.
            if (100..<200).contains(head.status), head.status != 101 { return nil }
            let framing =
                isHead || !head.mayHaveBody
                ? BodyFraming.none : try BodyFraming(head.headers, minorVersion: minorVersion, otherwise: .untilClose)
            let options = head.headers.tokens("connection")
            let keeps = !options.contains("close") && (minorVersion >= 1 || options.contains("keep-alive"))
            return (Received(head: head, keepsAlive: keeps && framing != .untilClose), framing)
        }
    }

    /// The connection has ended, and `next` has said `needMore`: the end of a body that lasts until then, else torn.
    public mutating func connectionEnded() -> Event { flow.connectionEnded() }

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
