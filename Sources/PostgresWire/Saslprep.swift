/// SASLprep (RFC 4013) with PostgreSQL's leniency (src/common/saslprep.c): what is pure ASCII, not UTF-8, or not
/// allowed is taken as it is, so that a password that was once set can always be typed again.
enum Saslprep {
    /// The bytes to hash.
    static func prepare(_ password: [UInt8]) -> [UInt8] {
        guard password.contains(where: { $0 >= 0x80 }) else { return password }
        guard let text = String(validating: password, as: UTF8.self), let prepared = prepared(text) else { return password }
        return Array(prepared.utf8)
    }

    /// RFC 4013 §2 by the letter, ASCII too: nil when the text is prohibited or nothing of it is left.
    static func prepared(_ text: String) -> String? {
        var mapped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if contains(SaslprepTables.nonASCIISpaces, scalar) {
                mapped.append(" ")
            } else if !contains(SaslprepTables.mappedToNothing, scalar) {
                mapped.append(scalar)
            }
        }
        guard !mapped.isEmpty else { return nil }
        let normal = CompatibilityNormalization.nfkc(String(mapped))
        let scalars = normal.unicodeScalars
        for scalar in scalars {
            if contains(SaslprepTables.prohibited, scalar) || contains(SaslprepTables.unassigned, scalar) { return nil }
        }
        // RFC 3454 §6: with any right-to-left letter there is no left-to-right one, and both ends are right-to-left.
        if scalars.contains(where: { contains(SaslprepTables.rightToLeft, $0) }) {
            guard !scalars.contains(where: { contains(SaslprepTables.leftToRight, $0) }),
                let first = scalars.first, let last = scalars.last,
                contains(SaslprepTables.rightToLeft, first), contains(SaslprepTables.rightToLeft, last)
            else { return nil }
        }
        return normal
    }

    /// Binary search in a table of pairs.
    private static func contains(_ table: [UInt32], _ scalar: Unicode.Scalar) -> Bool {
        var low = 0
        var high = table.count / 2
        while low < high {
            let middle = low + (high - low) / 2
            if scalar.value < table[2 * middle] {
                high = middle
            } else if scalar.value > table[2 * middle + 1] {
                low = middle + 1
            } else {
                return true
            }
        }
        return false
    }
}
