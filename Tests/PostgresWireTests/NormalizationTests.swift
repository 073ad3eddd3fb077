import Foundation
import Testing

@testable import PostgresWire

@Suite struct NormalizationTests {
    /// Ours against Foundation's, for all that both know. Hangul is apart: Foundation (6.3) leaves a syllable's final
    /// consonant behind it, against UAX 15 and PostgreSQL.
    @Test func everyScalarIsNormalizedAsFoundationDoes() {
        var wrong: [String] = []
        for value in UInt32(0x80)...0x2FFFF {
            guard !(0xAC00...0xD7A3).contains(value), let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 14
            else { continue }
            // Plain ideographs and syllables are many and alike.
            if (0x3400...0x9FFF).contains(value) || (0x17000...0x18CFF).contains(value) || (0x20000...0x2F7FF).contains(value),
                value % 97 != 0
            {
                continue
            }
            let text = String(Character(scalar))
            if Array(CompatibilityNormalization.nfkc(text).unicodeScalars)
                != Array(text.precomposedStringWithCompatibilityMapping.unicodeScalars)
            {
                wrong.append(String(value, radix: 16))
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func sequencesAreComposedAsFoundationDoes() {
        // Starters, marks of several classes, Hangul parts, ligatures: what can combine, block or be reordered.
        let pieces: [UInt32] = [
            0x41, 0x61, 0x6F, 0x75, 0x300, 0x301, 0x302, 0x308, 0x316, 0x323, 0x327, 0x31B, 0x338, 0x345,
            0xFB01, 0x3A9, 0x2126, 0x212B, 0x1E9B, 0x5D0, 0x5B7, 0x5B0, 0x915, 0x93C, 0x9C7, 0x9BE, 0x1F71,
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var view = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...7, using: &generator) {
                if let scalar = Unicode.Scalar(pieces[Int.random(in: 0..<pieces.count, using: &generator)]) { view.append(scalar) }
            }
            let text = String(view)
            let ours = CompatibilityNormalization.nfkc(text).unicodeScalars.map(\.value)
            #expect(ours == text.precomposedStringWithCompatibilityMapping.unicodeScalars.map(\.value), "\(view.map(\.value))")
        }
    }

    @Test func hangulIsComposedToWholeSyllables() {
        for value in UInt32(0xAC00)...0xD7A3 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            #expect(CompatibilityNormalization.nfkc(text).unicodeScalars.map(\.value) == [value])
        }
        #expect(CompatibilityNormalization.nfkc("\u{1112}\u{1161}\u{11AB}").unicodeScalars.map(\.value) == [0xD55C])
        #expect(CompatibilityNormalization.nfkc("\u{AC00}\u{11A8}\u{11A8}").unicodeScalars.map(\.value) == [0xAC01, 0x11A8])
    }
}
