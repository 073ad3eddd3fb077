internal import HTTPWire

/// Prisma 6's default engine asks for its own protocol here, which needs Prisma's Rust engine and the schema (specification
/// of the HTTP protocol of version 6, §1.3). We have neither, and say so in the one form that its clients show as it is and
/// do not try again (§4.1): with the two ways out.
enum DataProxy {
    private static let words = """
        Prisma Client 6 with its default engine can't use a prisma+postgres:// URL of this server. Either set DATABASE_URL to \
        the postgres:// URL that `dev url` prints and run `prisma generate` again, or set engineType = "client" in the \
        generator block of your Prisma schema (Prisma 6.16 or newer) and run `prisma generate`. Prisma 7 works as it is.
        """

    /// `/{client's version}/{schema's hash}/…`, with whatever key: who reads this can do no harm with it.
    /// - Returns: nil for a path that is none of that protocol.
    static func refusal(_ method: String, _ path: String) -> HTTPResponse? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard let version = parts.first, version.first?.isNumber == true, version.contains("."),
            let hash = parts.dropFirst().first, !hash.isEmpty, hash.utf8.allSatisfy(isHexadecimal)
        else { return nil }
        switch (method, parts.dropFirst(2).joined(separator: "/")) {
        case ("PUT", "schema"), ("POST", "graphql"), ("POST", "transaction/start"): break
        case ("POST", let rest) where rest.hasPrefix("itx/") && ["graphql", "commit", "rollback"].contains(parts.last ?? ""): break
        default: return nil
        }
        let reason = JSON.object([
            JSON.Member(
                "KnownEngineStartupError",
                .object([JSON.Member("msg", .string(words)), JSON.Member("error_code", .string("P6008"))]))
        ])
        let body = JSON.object([JSON.Member("EngineNotStarted", .object([JSON.Member("reason", reason)]))])
        return HTTPResponse(status: 500, headers: ["content-type": "application/json"], body: Array(body.text.utf8))
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
}
