/// Base64 in the forms that protocols want (RFC 4648).
public enum Base64 {
    private static let digits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let urlDigits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// §4, with padding.
    public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text = encode(bytes, digits)
        while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return text
    }

    /// §5, base64url without padding.
    public static func urlEncode(_ bytes: some Collection<UInt8>) -> String { String(decoding: encode(bytes, urlDigits), as: UTF8.self) }

    private static func encode(_ bytes: some Collection<UInt8>, _ digits: StaticString) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 1
            guard count == 3 else { continue }
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(digits.utf8Start[Int(bits >> shift & 63)]) }
            (bits, count) = (0, 0)
        }
        guard count > 0 else { return text }
        bits <<= UInt32(8 * (3 - count))
        for position in 0...count { text.append(digits.utf8Start[Int(bits >> UInt32(18 - 6 * position) & 63)]) }
        return text
    }

    /// §4 to the letter, as SCRAM wants it.
    /// - Returns: nil for other characters, a wrong length, or padding that is not at the end.
    public static func decodeStrict(_ text: some Collection<UInt8>) -> [UInt8]? {
        let padding = text.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        let body = text.dropLast(padding)
        guard text.count.isMultiple(of: 4), body.allSatisfy({ value($0) != nil && $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") })
        else { return nil }
        return decode(body)
    }

    /// As Node's Buffer reads it: both alphabets, no padding needed, what is neither is passed over.
    public static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for character in text {
            if character == UInt8(ascii: "=") { break }
            guard let six = value(character) else { continue }
            bits = bits << 6 | six
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
