/// Percent-coding of URLs (RFC 3986 §2.1).
public enum PercentCoding {
    /// - Parameter plusIsBlank: in a query that a form has made.
    /// - Returns: nil for a torn or wrong escape, a zero byte, or what is not UTF-8 then.
    public static func decode(_ text: some StringProtocol, plusIsBlank: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(Grammar.hexValue), let low = iterator.next().flatMap(Grammar.hexValue),
                    high + low > 0
                else { return nil }
                bytes.append(UInt8(high << 4 | low))
            } else {
                bytes.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Leaves only RFC 3986's unreserved characters: fit for a path's segment, a query's value, a URL's password.
    public static func encode(_ text: some StringProtocol) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension RequestHead {
    /// The path's segments, each decoded by itself, so that an encoded slash stays in its segment. Nil if one is wrong.
    public var pathSegments: [String]? {
        var segments: [String] = []
        for part in path.split(separator: "/") {
            guard let segment = PercentCoding.decode(part) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// The query's pairs in order, decoded; a name without `=` has an empty value. Nil if one is wrong.
    public var queryItems: [(name: String, value: String)]? {
        var items: [(name: String, value: String)] = []
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(pair[0], plusIsBlank: true),
                let value = PercentCoding.decode(pair.count == 2 ? pair[1] : "", plusIsBlank: true)
            else { return nil }
            items.append((name, value))
        }
        return items
    }
}
