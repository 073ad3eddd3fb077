internal import HTTPWire

/// Against DNS rebinding and cross-site requests: a page from elsewhere can make a browser connect to us, but not with a
/// Host that is ours, nor without its own Origin.
enum LoopbackGate {
    static func check(_ head: RequestHead) -> Answer? {
        // An absolute target counts instead of Host for the recipient, but a browser only chooses the latter: both must fit.
        let host = head.headers["host"]
        let authority = head.authority ?? ""
        guard host.map(isLocal) ?? true, host == authority || isLocal(authority) else {
            return .text(403, "Forbidden: this server is for localhost")
        }
        for origin in head.headers.values("origin") {
            let text = origin.lowercased()
            guard let scheme = ["http://", "https://"].first(where: text.hasPrefix), isLocal(String(text.dropFirst(scheme.utf8.count)))
            else { return .text(403, "Forbidden: this server is for localhost") }
        }
        return nil
    }

    /// `localhost`, `127.0.0.1` or `[::1]`, with any port or none.
    static func isLocal(_ authority: String) -> Bool {
        var authority = authority
        return authority.withUTF8 { text in
            let hosts: [StaticString] = ["localhost", "127.0.0.1", "[::1]"]
            return hosts.contains { isLocal(text, $0) }
        }
    }

    /// - Parameter host: with lower-case letters.
    private static func isLocal(_ text: UnsafeBufferPointer<UInt8>, _ host: StaticString) -> Bool {
        let length = host.utf8CodeUnitCount
        guard text.count >= length else { return false }
        for index in 0..<length {
            let wanted = host.utf8Start[index]
            guard text[index] == wanted || text[index] | 0x20 == wanted && (0x61...0x7A).contains(wanted) else { return false }
        }
        guard text.count > length else { return true }
        let digits = text[(length + 1)...]
        return text[length] == UInt8(ascii: ":") && (1...5).contains(digits.count) && digits.allSatisfy { (0x30...0x39).contains($0) }
    }
}
