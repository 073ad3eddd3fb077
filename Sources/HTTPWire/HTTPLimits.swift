/// What a peer may send; each bound has its own answer.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of the request line, without its line end: 414. (A response's status line too.)
    public var requestLine = 16_384
    /// Bytes of one field line: 431. API keys of `prisma+postgres` URLs are longer than 1,000.
    public var field = 16_384
    /// Number of field lines: 431.
    public var fieldCount = 100
    /// Bytes of request line and fields together: 431.
    public var head = 65_536
    /// Bytes of a body: 413.
    public var body = 64 << 20
    /// Bytes of a chunk's size line with its extensions: 400.
    public var chunkLine = 1024

    public init() {}
}

/// Why a message is not taken, as the status that says so. The connection must be closed after it: where the
/// next message begins is not known any more.
public struct HTTPRefusal: Error, Sendable, Equatable {
    public var status: Int
    public var reason: String

    public init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    static func malformed(_ reason: String) -> HTTPRefusal { HTTPRefusal(400, reason) }

    /// A response to send before closing.
    public var response: HTTPResponse {
        HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array("\(reason)\n".utf8))
    }
}
