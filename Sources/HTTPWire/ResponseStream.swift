/// A response whose length is not known when it begins (logs that follow): chunked, or for HTTP/1.0 until close.
/// Send `head`, then `chunk(_:)` as often as there is something, then `end()`.
public struct ResponseStream: Sendable {
    public let head: [UInt8]
    /// Whether the connection stays open behind `end()`.
    public let keepsAlive: Bool
    private let isChunked: Bool
    private let hasBody: Bool

    public init(status: Int, headers: Headers = Headers(), for request: RequestHead, keepAlive: Bool = true) {
        var head = ResponseHead(status: status, headers: headers)
        head.headers.remove("content-length")
        head.headers.remove("transfer-encoding")
        isChunked = request.minorVersion >= 1 && head.mayHaveBody
        hasBody = head.mayHaveBody && request.method != "HEAD"
        keepsAlive = HTTPResponse.keepsAlive(request, keepAlive: keepAlive && (isChunked || !hasBody))
        if isChunked { head.headers.set("transfer-encoding", "chunked") }
        head.setConnection(for: request, keepAlive: keepsAlive)
        self.head = head.encoded()
    }

    /// No bytes for an empty piece: an empty chunk would end the body.
    public func chunk(_ bytes: [UInt8]) -> [UInt8] {
        guard hasBody, !bytes.isEmpty else { return [] }
        guard isChunked else { return bytes }
        return Array(String(bytes.count, radix: 16).utf8) + Array("\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    public func end() -> [UInt8] { hasBody && isChunked ? Array("0\r\n\r\n".utf8) : [] }
}
