/// Decimals as decimal.js writes them (query plan specification §9.4).
enum Decimal {
    /// How much of a decimal is left without the zeros behind its point; nil when decimal.js would write it otherwise: exponents,
    /// what is not finite, `-0`, more than 15 digits before the point, zeros behind the point of a number below one.
    static func plainLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let start = bytes.first == UInt8(ascii: "-") ? 1 : 0
        var index = start
        while index < bytes.count, bytes[index] &- 0x30 < 10 { index += 1 }
        let digits = index - start
        guard digits > 0, digits <= 15, bytes[start] != 0x30 || digits == 1 else { return nil }
        var length = index
        if index < bytes.count {
            guard bytes[index] == UInt8(ascii: ".") else { return nil }
            let fraction = index + 1
            let end = withoutZeros(bytes, from: fraction)
            index = fraction
            while index < end, bytes[index] &- 0x30 < 10 { index += 1 }
            guard index == end, fraction < bytes.count else { return nil }
            if end > fraction { length = end }
            if bytes[start] == 0x30, bytes[fraction] == 0x30, length > fraction { return nil }
        }
        return start == 1 && bytes[1] == 0x30 ? nil : length
    }

    /// Where the zeros at the end begin, at `start` or behind it. Columns without a scale have thirty of them.
    private static func withoutZeros(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = bytes.count
        while end - start >= 8, bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0x3030_3030_3030_3030 { end -= 8 }
        while end > start, bytes[end - 1] == 0x30 { end -= 1 }
        return end
    }

    /// No zeros at the ends; an exponent from 1e21 on and below 1e-6.
    /// - Returns: nil for what is no decimal.
    static func canonical(_ text: String) -> String? {
        var text = text
        if let length = text.withUTF8({ plainLength(UnsafeRawBufferPointer($0)) }) { return String(text.utf8.prefix(length)) ?? text }
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
