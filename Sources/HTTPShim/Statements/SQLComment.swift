/// The sqlcommenter block behind every statement of a plan (query plan specification §4.4).
enum SQLComment {
    /// ` /*a='1',b='2'*/`; empty for no comments.
    static func text(_ comments: [(key: String, value: String)]) -> String {
        guard !comments.isEmpty else { return "" }
        let pairs = comments.sorted { order($0.key, $1.key) }.map { pair in
            "\(encode(pair.key))='\(encode(pair.value).split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'"))'"
        }
        return " /*" + pairs.joined(separator: ",") + "*/"
    }

    /// As JavaScript's localeCompare in English has it for plain keys: punctuation, digits, letters regardless of case,
    /// lower case first among equals.
    private static func order(_ left: String, _ right: String) -> Bool {
        let (first, second) = (left.unicodeScalars.map(weight), right.unicodeScalars.map(weight))
        if first != second { return first.lexicographicallyPrecedes(second) }
        // Lower case has the larger code.
        return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars) { $0.value > $1.value }
    }

    private static func weight(_ scalar: Unicode.Scalar) -> UInt32 {
        switch scalar {
        case "0"..."9": 0x100 + scalar.value
        case "a"..."z": 0x200 + scalar.value
        case "A"..."Z": 0x200 + scalar.value + 0x20
        default: scalar.value < 0x80 ? scalar.value : 0x1000 + scalar.value
        }
    }

    /// `encodeURIComponent`.
    private static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "-_.!~*'()".utf8.contains(byte): encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + Hexadecimal.encode([byte]).uppercased()
            }
        }
        return encoded
    }
}
