/// A whole response of ours.
public struct HTTPResponse: Sendable, Equatable {
    public var status: Int
    public var headers: Headers
    public var body: [UInt8]

    public init(status: Int, headers: Headers = Headers(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Literal headers.
    public init(status: Int, headers: KeyValuePairs<String, String>, body: [UInt8] = []) {
        self.init(status: status, headers: Headers(headers), body: body)
    }

    /// Answers `Expect: 100-continue`.
    public static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// A body of so many bytes is better sent by itself than copied behind its head.
    public static let large = 131_072

    /// The bytes to send.
    /// - Parameters:
    ///   - request: the one it answers: HEAD gets no body, HTTP/1.0 is told when the connection stays. Nil after a refusal.
    ///   - keepAlive: whether we want to keep the connection; close it if `keepsAlive(_:_:)` says no.
    public func encoded(for request: RequestHead?, keepAlive: Bool = true) -> [UInt8] {
        var (bytes, hasBody) = encodedHead(for: request, keepAlive: keepAlive)
        if hasBody { bytes.append(contentsOf: body) }
        return bytes
    }

    /// The same without the body.
    /// - Returns: whether the body is to follow.
    public func encodedHead(for request: RequestHead?, keepAlive: Bool = true) -> (bytes: [UInt8], hasBody: Bool) {
        var head = ResponseHead(status: status, headers: headers)
        if headers["transfer-encoding"] != nil { head.headers.remove("transfer-encoding") }
        if headers["content-length"] != nil { head.headers.remove("content-length") }
        head.setConnection(for: request, keepAlive: keepAlive)
        let hasBody = head.mayHaveBody && request?.method != "HEAD"
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hasBody && body.count < Self.large ? body.count + 256 : 256)
        head.append(to: &bytes, length: head.mayHaveBody ? body.count : nil)
        return (bytes, hasBody)
    }

    /// Whether the connection stays open behind a response to this request.
    public static func keepsAlive(_ request: RequestHead?, keepAlive: Bool) -> Bool { keepAlive && request?.keepsAlive == true }
}

/// Status line and fields of a response.
public struct ResponseHead: Sendable, Equatable {
    public var status: Int
    public var headers: Headers

    public init(status: Int, headers: Headers = Headers()) {
        self.status = status
        self.headers = headers
    }

    /// 1xx, 204 and 304 never have a body, nor lengths of one.
    var mayHaveBody: Bool { status >= 200 && status != 204 && status != 304 }

    mutating func setConnection(for request: RequestHead?, keepAlive: Bool) {
        if !HTTPResponse.keepsAlive(request, keepAlive: keepAlive) {
            headers.set("connection", "close")
        } else if request?.minorVersion == 0 {
            headers.set("connection", "keep-alive")
        }
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, length: nil)
        return bytes
    }

    /// - Parameter length: of the body, told in a field of its own.
    func append(to bytes: inout [UInt8], length: Int?) {
        bytes.append(text: "HTTP/1.1 ")
        bytes.append(text: String(status))
        bytes.append(UInt8(ascii: " "))
        bytes.append(text: Self.phrase(status))
        bytes.append(text: "\r\n")
        headers.append(to: &bytes)
        if let length {
            bytes.append(text: "content-length: ")
            bytes.append(text: String(length))
            bytes.append(text: "\r\n")
        }
        bytes.append(text: "\r\n")
    }

    static func phrase(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
