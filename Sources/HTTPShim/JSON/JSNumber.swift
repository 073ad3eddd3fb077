/// Numbers as JavaScript writes and reads them (ECMA-262, Number::toString and StringToNumber).
enum JSNumber {
    /// The largest integer that a double holds without loss, 2^53 − 1.
    static let maximalSafeInteger = 9_007_199_254_740_991.0

    /// Shortest digits that give the number back; plain up to 1e21, an exponent from there on and below 1e-6.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return "0" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        // Swift gives the same digits in another dress: 1e-07, 1e+21, 100000.0.
        var (digits, exponent) = decompose(abs(value).description)
        while digits.last == 0x30, digits.count > 1 {
            digits.removeLast()
            exponent += 1
        }
        let text = plain(digits, exponent)
        return value < 0 ? "-" + text : text
    }

    /// digits × 10^exponent, as JavaScript and decimal.js lay numbers out: plain from 1e-6 up to 1e21.
    static func plain(_ digits: [UInt8], _ exponent: Int) -> String {
        // So many digits stand before the decimal point.
        let point = digits.count + exponent
        let text = String(decoding: digits, as: UTF8.self)
        if point > 21 || point < -5 {
            let rest = text.dropFirst()
            return text.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + (point > 0 ? "+" : "-") + String(abs(point - 1))
        }
        if point >= digits.count { return text + String(repeating: "0", count: point - digits.count) }
        if point > 0 { return text.prefix(point) + "." + text.dropFirst(point) }
        return "0." + String(repeating: "0", count: -point) + text
    }

    /// The digits without point and leading zeros, and the power of ten of the last one.
    private static func decompose(_ description: String) -> ([UInt8], Int) {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var rest = Substring(description)
        while let character = rest.utf8.first {
            rest = rest.dropFirst()
            switch character {
            case 0x30...0x39:
                digits.append(character)
                if isFraction { exponent -= 1 }
            case UInt8(ascii: "."): isFraction = true
            default:
                // e+21, e-07
                exponent += Int(rest) ?? 0
                rest = ""
            }
        }
        let zeros = digits.prefix { $0 == 0x30 }.count
        return (Array(digits.dropFirst(min(zeros, digits.count - 1))), exponent)
    }

    /// A JSON number as JavaScript would write it again.
    static func canonical(_ lexeme: String) -> String {
        // Up to 15 digits survive as they are.
        if lexeme.utf8.count <= 15, lexeme.utf8.allSatisfy({ (0x30...0x39).contains($0) }), lexeme == "0" || lexeme.utf8.first != 0x30 {
            return lexeme
        }
        return Double(lexeme).map { $0.isFinite ? text($0) : "null" } ?? lexeme
    }

    /// JavaScript's `Number(text)`: white space around it is ignored, nothing is 0; nil is NaN.
    static func parse(_ text: String) -> Double? {
        let trimmed = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        let word = String(trimmed)
        if word.isEmpty { return 0 }
        switch word {
        case "Infinity", "+Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: break
        }
        let prefix = word.prefix(2).lowercased()
        if let radix = ["0x": 16, "0o": 8, "0b": 2][prefix] { return UInt64(word.dropFirst(2), radix: radix).map(Double.init) }
        // Swift also reads "nan", "inf" and hexadecimal fractions.
        guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(word)
    }
}
