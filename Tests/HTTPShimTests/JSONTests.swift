import Foundation
import Testing

@testable import HTTPShim

@Suite struct JSONTests {
    @Test(arguments: [
        ("{\"b\":1,\"a\":[true,false,null,\"x\"]}", "{\"b\":1,\"a\":[true,false,null,\"x\"]}"),
        (" [ 1.0 , -0 , 1e21 , 1E-7 , 12345678901234567890 ] ", "[1,0,1e+21,1e-7,12345678901234567000]"),
        ("\"\\u00e9\\n\\\"\\\\\\/\\ud83d\\ude00\\u0000\"", "\"é\\n\\\"\\\\/😀\\u0000\""), ("{}", "{}"), ("[]", "[]"),
    ])
    func textsAreReadAndWrittenAsInJavaScript(text: String, expected: String) throws {
        #expect(try JSONScanner.parse(Array(text.utf8)).text == expected)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "nul", "01", "1.", "-", "\"\n\"", "\"\\x\"", "\"\\u12\"", "[1] 2", "+1", ".5",
        "\"abc",
        "\"\\", "{\"a\":1,}", "tru", "[", "\u{FEFF}1",
    ])
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: JSONFailure.self) { try JSONScanner.parse(Array(text.utf8)) }
        // Passing over a value looks at all but escapes.
        guard !text.contains("\\x"), !text.contains("\\u") else { return }
        #expect(throws: JSONFailure.self) {
            try Array(text.utf8).withUnsafeBufferPointer { bytes in
                var scanner = JSONScanner(bytes)
                _ = try scanner.skip()
                try scanner.finish()
            }
        }
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8) }
        _ = try JSONScanner.parse(nested(JSONScanner.maximalDepth))
        #expect(throws: JSONFailure.self) { try JSONScanner.parse(nested(JSONScanner.maximalDepth + 1)) }
        #expect(throws: JSONFailure.self) { try JSONScanner.parse(nested(1_000_000)) }
    }

    @Test func theLastOfEqualKeysCounts() throws {
        #expect(try JSONScanner.parse(Array("{\"a\":1,\"a\":2}".utf8))["a"] == .number("2"))
    }

    /// ECMA-262, Number::toString.
    @Test(arguments: [
        (0.1, "0.1"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.5e-9, "1.5e-9"),
        (123456789012345680.0, "123456789012345680"), (-0.0, "0"), (.leastNonzeroMagnitude, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (0.00001, "0.00001"), (-1234.5678, "-1234.5678"), (100, "100"),
    ])
    func numbers(value: Double, text: String) {
        #expect(JSNumber.text(value) == text)
    }

    @Test(arguments: [
        ("1.50", "1.5"), ("0.000", "0"), ("100", "100"), ("1e3", "1000"), ("0.0000001", "1e-7"), ("0.000001", "0.000001"),
        ("123456789012345678901234567890.5", "1.234567890123456789012345678905e+29"), ("-0.10", "-0.1"), ("NaN", "NaN"), ("000", "0"),
        ("1000000000000000000000", "1e+21"), ("100000000000000000000", "100000000000000000000"),
    ])
    func decimals(text: String, expected: String) {
        #expect(Decimal.canonical(text) == expected)
    }
}
