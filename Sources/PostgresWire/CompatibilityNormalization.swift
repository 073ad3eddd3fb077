/// NFKC (Unicode Standard Annex 15), which SASLprep needs and Swift's standard library does not offer. Foundation has it,
/// at the price of 40 MB of ICU in the daemon. The tables are read at the first password that is not ASCII.
enum CompatibilityNormalization {
    static func nfkc(_ text: String) -> String {
        var scalars: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars { decompose(scalar, into: &scalars) }
        order(&scalars)
        var result = String.UnicodeScalarView()
        result.append(contentsOf: composed(scalars))
        return String(result)
    }

    private struct Pair: Hashable {
        var first: UInt32
        var second: UInt32
    }

    private static let decompositions: [UInt32: [Unicode.Scalar]] = {
        var table: [UInt32: [Unicode.Scalar]] = [:]
        for (left, right) in entries(NormalizationTables.decompositions) {
            guard let from = left.first else { continue }
            table[from] = right.compactMap { Unicode.Scalar($0) }
        }
        return table
    }()

    private static let compositions: [Pair: Unicode.Scalar] = {
        var table: [Pair: Unicode.Scalar] = [:]
        for (left, right) in entries(NormalizationTables.compositions) {
            guard left.count == 2, let to = right.first.flatMap({ Unicode.Scalar($0) }) else { continue }
            table[Pair(first: left[0], second: left[1])] = to
        }
        return table
    }()

    private static func entries(_ table: StaticString) -> [(left: [UInt32], right: [UInt32])] {
        table.withUTF8Buffer { bytes in
            bytes.split(separator: UInt8(ascii: " ")).map { entry in
                let sides = entry.split(separator: UInt8(ascii: "=")).map { side in
                    side.split(separator: UInt8(ascii: "+")).map { digits in
                        digits.reduce(UInt32(0)) { $0 << 4 | UInt32($1 <= UInt8(ascii: "9") ? $1 & 15 : $1 - UInt8(ascii: "A") + 10) }
                    }
                }
                return sides.count == 2 ? (sides[0], sides[1]) : ([], [])
            }
        }
    }

    // Hangul is arithmetic (The Unicode Standard, 3.12).
    private static let syllables: UInt32 = 0xAC00
    private static let leading: UInt32 = 0x1100
    private static let vowels: UInt32 = 0x1161
    private static let trailing: UInt32 = 0x11A7

    private static func decompose(_ scalar: Unicode.Scalar, into result: inout [Unicode.Scalar]) {
        if (syllables..<syllables + 11_172).contains(scalar.value) {
            let index = scalar.value - syllables
            let parts = [leading + index / 588, vowels + index % 588 / 28] + (index % 28 == 0 ? [] : [trailing + index % 28])
            result += parts.compactMap { Unicode.Scalar($0) }
        } else if let parts = decompositions[scalar.value] {
            result += parts
        } else {
            result.append(scalar)
        }
    }

    /// Canonical order: runs of combining marks by their class, stable.
    private static func order(_ scalars: inout [Unicode.Scalar]) {
        var index = 1
        while index < scalars.count {
            let rank = combiningClass(scalars[index])
            var place = index
            while rank > 0, place > 0, combiningClass(scalars[place - 1]) > rank { place -= 1 }
            if place < index { scalars.insert(scalars.remove(at: index), at: place) }
            index += 1
        }
    }

    private static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var starter: Int?
        var last: UInt8 = 0
        for scalar in scalars {
            let rank = combiningClass(scalar)
            // Not blocked: nothing between them, or only marks of a lower class.
            if let place = starter, last < rank || result.count == place + 1, let one = compose(result[place], scalar) {
                result[place] = one
                continue
            }
            if rank == 0 { starter = result.count }
            last = rank
            result.append(scalar)
        }
        return result
    }

    private static func compose(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        if (leading..<leading + 19).contains(first.value), (vowels..<vowels + 21).contains(second.value) {
            return Unicode.Scalar(syllables + ((first.value - leading) * 21 + second.value - vowels) * 28)
        }
        if (syllables..<syllables + 11_172).contains(first.value), (first.value - syllables) % 28 == 0,
            (trailing + 1..<trailing + 28).contains(second.value)
        {
            return Unicode.Scalar(first.value + second.value - trailing)
        }
        return compositions[Pair(first: first.value, second: second.value)]
    }

    private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 { scalar.properties.canonicalCombiningClass.rawValue }
}
