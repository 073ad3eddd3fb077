internal import HTTPWire

/// Against DNS rebinding and cross-site requests: a page from elsewhere can make a browser connect to us, but not with a
/// Host that is ours, nor without its own Origin.
enum LoopbackGate {
    static func check(_ head: RequestHead) -> Answer? {
        // An absolute target counts instead of Host for the recipient, but a browser only chooses the latter: both must fit.
        let hosts = head.headers.values("host") + [head.authority ?? ""]
        guard hosts.allSatisfy(isLocal) else { return .text(403, "Forbidden: this server is for localhost") }
        for origin in head.headers.values("origin") {
            let text = origin.lowercased()
            guard let scheme = ["http://", "https://"].first(where: text.hasPrefix), isLocal(String(text.dropFirst(scheme.utf8.count)))
            else { return .text(403, "Forbidden: this server is for localhost") }
        }
        return nil
    }

    /// `localhost`, `127.0.0.1` or `[::1]`, with any port or none.
    static func isLocal(_ authority: String) -> Bool {
        let text = authority.lowercased()
        for host in ["localhost", "127.0.0.1", "[::1]"] where text.hasPrefix(host) {
            let rest = text.dropFirst(host.count)
            if rest.isEmpty { return true }
            guard rest.first == ":" else { continue }
            let port = rest.dropFirst()
            return (1...5).contains(port.utf8.count) && port.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        return false
    }
}
