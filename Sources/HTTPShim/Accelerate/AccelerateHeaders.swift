internal import HTTPWire

/// What `withAccelerateInfo()` reads (HTTP protocol specification §8.2).
enum AccelerateHeaders {
    enum Status: String {
        case hit = "ttl"
        case stale = "swr"
        case miss
        /// Nobody asked for the cache, or it may not be used.
        case none
    }

    /// - Parameters:
    ///   - modified: milliseconds since 1970.
    ///   - signature: the same for the same query.
    static func add(_ status: Status, modified: Int64, signature: UInt64, ray: String, to response: inout HTTPResponse) {
        response.headers.set("accelerate-cache-status", status.rawValue)
        response.headers.set("last-modified", date(modified))
        response.headers.set("cf-ray", ray)
        response.headers.set("accelerate-signature", hexadecimal(signature))
    }

    /// `8f2c1a2b3c4d5e6f-LOCAL`: the extension takes the region from behind the dash.
    static func ray(_ chance: Chance) -> String { Hexadecimal.encode(chance.bytes(8)) + "-LOCAL" }

    private static func hexadecimal(_ number: UInt64) -> String {
        Hexadecimal.encode((0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
    }

    /// `Wed, 18 Mar 2026 10:00:00 GMT` (RFC 9110 §5.6.7).
    static func date(_ milliseconds: Int64) -> String {
        let words = Instant.words(milliseconds).split(separator: " ")
        guard words.count > 4 else { return "" }
        return "\(words[0]), \(words[2]) \(words[1]) \(words[3]) \(words[4]) GMT"
    }
}
