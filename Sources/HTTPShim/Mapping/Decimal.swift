/// Decimals as decimal.js writes them (query plan specification §9.4).
enum Decimal {
    /// What PostgreSQL writes nearly always: digits, perhaps a fraction, of a size that has no exponent.
    private static func plain(_ text: String) -> String? {
        let bytes = text.utf8
        let digits = bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
        guard let first = digits.first, (0x31...0x39).contains(first) else { return nil }
        var point: String.Index?
        var end = digits.startIndex
        for index in digits.indices {
            let byte = digits[index]
            if byte == UInt8(ascii: "."), point == nil {
                (point, end) = (index, index)
            } else {
                guard (0x30...0x39).contains(byte) else { return nil }
                if point == nil || byte != 0x30 { end = digits.index(after: index) }
            }
        }
        guard digits[..<(point ?? digits.endIndex)].count <= 20 else { return nil }
        return end == bytes.endIndex ? text : String(text[..<end])
    }

    /// No zeros at the ends; an exponent from 1e21 on and below 1e-6.
    /// - Returns: nil for what is no decimal.
    static func canonical(_ text: String) -> String? {
        if let text = plain(text) { return text }
        if ["NaN", "Infinity", "-Infinity"].contains(text) { return text }
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        while let byte = rest.utf8.first {
            rest = rest.dropFirst()
            switch byte {
            case 0x30...0x39:
                digits.append(byte)
                if isFraction { exponent -= 1 }
            case UInt8(ascii: ".") where !isFraction: isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard !digits.isEmpty, Double(text) != nil else { return nil }
                guard let power = Int(rest), (-999_999...999_999).contains(power) else { return text }
                exponent += power
                rest = ""
            default: return nil
            }
        }
        guard !digits.isEmpty else { return nil }
        while digits.last == 0x30 {
            digits.removeLast()
            exponent += 1
        }
        digits.removeFirst(digits.prefix { $0 == 0x30 }.count)
        guard !digits.isEmpty else { return isNegative ? "-0" : "0" }
        let result = JSNumber.plain(digits, exponent)
        return isNegative ? "-" + result : result
    }
}
