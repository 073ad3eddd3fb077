/// Request line and fields of a request that RFC 9112 allows.
public struct RequestHead: Sendable, Equatable {
    /// As sent: methods are told apart by case.
    public let method: String
    /// As sent: `/path?query`, `http://host/path?query`, or `*`.
    public let target: String
    /// Not decoded; `/` at least, or `*`.
    public let path: String
    /// 0 or 1; a higher one is treated as 1.
    public let minorVersion: Int
    public let headers: Headers
    public let framing: BodyFraming
    /// Whether another request may follow on this connection.
    public let keepsAlive: Bool

    /// Host and port it is meant for: the target's, else the Host field; check it against DNS rebinding.
    public var authority: String? {
        guard let rest = Self.afterScheme(target) else { return headers["host"] }
        return String(rest.prefix { $0 != "/" && $0 != "?" })
    }

    /// Not decoded, without the question mark; nil if there is none.
    public var query: String? {
        let parts = Self.origin(target).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? String(parts[1]) : nil
    }

    private static func keepsAlive(_ headers: Headers, minorVersion: Int) -> Bool {
        let options = headers.tokens("connection")
        if options.isEmpty { return minorVersion >= 1 }
        if options.contains("close") { return false }
        return minorVersion >= 1 || options.contains("keep-alive")
    }

    /// The client waits for `100 Continue` before it sends the body.
    public var expectsContinue: Bool {
        minorVersion >= 1 && framing != .none && framing != .length(0) && headers["expect"]?.lowercased() == "100-continue"
    }

    private static func origin(_ target: String) -> Substring {
        guard let rest = afterScheme(target) else { return target[...] }
        return rest.drop { $0 != "/" && $0 != "?" }
    }

    private static func afterScheme(_ target: String) -> Substring? {
        guard target.utf8.first != UInt8(ascii: "/") else { return nil }
        for scheme in ["http://", "https://"] where target.prefix(scheme.count).lowercased() == scheme {
            return target.dropFirst(scheme.count)
        }
        return nil
    }
}

extension RequestHead {
    /// - Parameter start: where the head begins in the buffer.
    init(_ scanner: HeadScanner, _ bytes: [UInt8], from start: Int) throws(HTTPRefusal) {
        guard let line = scanner.lines.first else { throw .malformed("There is no request line.") }
        let parts = bytes[start + line.lowerBound..<start + line.upperBound]
            .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, Grammar.isToken(parts[0]), !parts[1].isEmpty,
            parts[1].allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw .malformed("The request line is malformed.") }
        minorVersion = try Self.minorVersion(parts[2])
        method = String(decoding: parts[0], as: UTF8.self)
        let target = String(decoding: parts[1], as: UTF8.self)
        self.target = target
        let path = String(Self.origin(target).prefix { $0 != "?" })
        self.path = path.isEmpty ? "/" : path
        headers = try scanner.headers(bytes, from: start)
        keepsAlive = Self.keepsAlive(headers, minorVersion: minorVersion)
        framing = try BodyFraming(headers, minorVersion: minorVersion, otherwise: .none)
        guard method != "CONNECT" else { throw HTTPRefusal(501, "CONNECT is not supported.") }
        guard target.hasPrefix("/") || Self.afterScheme(target) != nil || (target == "*" && method == "OPTIONS") else {
            throw .malformed("The request target is malformed.")
        }
        let hosts = headers.values("host")
        guard hosts.count <= 1, !hosts.isEmpty || minorVersion == 0, hosts.allSatisfy(Grammar.isHost), Grammar.isHost(authority ?? "")
        else { throw .malformed("There must be one Host field.") }
        if minorVersion >= 1, let expectation = headers["expect"], expectation.lowercased() != "100-continue" {
            throw HTTPRefusal(417, "Only 100-continue can be expected.")
        }
    }

    /// `HTTP/1.` and a digit.
    static func minorVersion(_ version: ArraySlice<UInt8>) throws(HTTPRefusal) -> Int {
        let bytes = Array(version)
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), bytes[6] == UInt8(ascii: "."),
            let major = Grammar.decimal(bytes[5...5]), let minor = Grammar.decimal(bytes[7...7])
        else { throw .malformed("The version is malformed.") }
        guard major == 1 else { throw HTTPRefusal(505, "Only HTTP/1.0 and HTTP/1.1 are supported.") }
        return min(minor, 1)
    }
}
