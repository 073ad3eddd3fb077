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
        let text = authority.utf8
        // Only "localhost" has letters.
        for host in ["localhost".utf8, "127.0.0.1".utf8, "[::1]".utf8]
        where text.count >= host.count && zip(text, host).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 && (0x61...0x7A).contains($1) }) {
            let rest = text.dropFirst(host.count)
            if rest.isEmpty { return true }
            guard rest.first == UInt8(ascii: ":") else { continue }
            let port = rest.dropFirst()
            return (1...5).contains(port.count) && port.allSatisfy { (0x30...0x39).contains($0) }
        }
        return false
    }
}
