/// A request to send: for `dev`, and for tests.
public struct OutgoingRequest: Sendable, Equatable {
    public var method: String
    /// `/path?query`, already encoded (`PercentCoding`).
    public var target: String
    public var headers: Headers
    public var body: [UInt8]

    /// - Parameter host: the Host field; `localhost` for the control socket.
    public init(method: String, target: String, host: String, headers: Headers = Headers(), body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.headers.set("host", host)
        self.body = body
    }

    /// - Returns: nil when method or target would break the request line.
    public func encoded() -> [UInt8]? {
        guard Grammar.isToken(Array(method.utf8)[...]), !target.isEmpty,
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { return nil }
        var headers = self.headers
        headers.remove("transfer-encoding")
        headers.remove("content-length")
        if !body.isEmpty || !["GET", "HEAD", "DELETE", "OPTIONS"].contains(method) {
            headers.set("content-length", String(body.count))
        }
        var bytes = Array("\(method) \(target) HTTP/1.1\r\n".utf8)
        headers.append(to: &bytes)
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: body)
        return bytes
    }
}
