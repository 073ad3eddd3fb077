/// Base64 as SCRAM wants it (RFC 4648 §4, with padding, nothing else allowed in between).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let group = bytes[index..<min(index + 3, bytes.count)]
            var word: UInt32 = 0
            for place in 0..<3 { word = word << 8 | (place < group.count ? UInt32(group[index + place]) : 0) }
            for place in 0..<4 {
                let six = Int(word >> UInt32(18 - 6 * place) & 63)
                text.append(place <= group.count ? alphabet[six] : UInt8(ascii: "="))
            }
            index += 3
        }
        return text
    }

    /// - Returns: nil for other characters, a wrong length, or padding that is not at the end.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let text = Array(text)
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = text.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        guard padding < 2 || text[text.count - 2] == UInt8(ascii: "=") else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var word: UInt32 = 0
        for (index, character) in text.enumerated() {
            let isPadding = index >= text.count - padding
            guard let six = isPadding ? 0 : value(character) else { return nil }
            word = word << 6 | six
            if index % 4 == 3 {
                for place in 0..<3 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * place))) }
                word = 0
            }
        }
        bytes.removeLast(padding)
        return bytes
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
