import Testing

@testable import HTTPShim

/// The short way of a cell into the answer gives what the long way gives, or leaves it to that.
struct CellWriterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var oid: UInt32
        var kind: FieldStructure.Kind
        var isList = false
        var cells: [String]
        /// Of the cells, those that go the short way.
        var short: Int
        var testDescription: String { "\(kind) of \(oid)" }
    }

    static let cases = [
        Case(oid: 23, kind: .int, cells: ["0", "-1", "2147483647"], short: 3),
        Case(oid: 20, kind: .bigint, cells: ["9223372036854775807", "-5"], short: 2),
        Case(oid: 16, kind: .boolean, cells: ["t", "f"], short: 2),
        Case(
            oid: 25, kind: .string,
            cells: ["", "plain", "a \"quote\" and more", "back\\slash", "eight by\te", "1234567\n", "ünïcödé and \u{1F600}", "\u{1}"],
            short: 8),
        Case(
            oid: 1700, kind: .decimal,
            cells: [
                "0", "0.00", "0.50", "0.05", "12.30", "12.00", "100", "-5.10", "-0.5", "123456789012345.10",
                "430.500000000000000000000000000000",
                "0.000000000000000000000000000000", "7.000000000000", "1.00000000x", "1.", "1.x00000000", "1234567890123456789012.5",
                "1.12345678901234567890", "NaN", "Infinity", "0.0000001", "00",
            ], short: 12),
        Case(oid: 701, kind: .float, cells: ["0.1", "1.5", "-2.25", "1e+20", "1e-07", "NaN", "100", "0.05", "123456789012345"], short: 5),
        Case(
            oid: 1114, kind: .datetime,
            cells: ["2024-01-02 03:04:05", "2024-01-02 03:04:05.6", "2024-01-02 03:04:05.678901", "0044-03-15 12:00:00 BC"], short: 3),
        Case(oid: 1184, kind: .datetime, cells: ["2024-01-02 03:04:05+00", "2024-01-02 03:04:05.678+00"], short: 2),
        Case(
            oid: 3802, kind: .json,
            cells: [
                "{}", "[]", "null", "true", "{\"a\": 1, \"b\": [1, 2.5, \"x y\"]}", "{\"1\": 2}", "{\"a\": 1.0}", "\"a\\nb\"",
                "{\"a\": \"1: 2\", \"ü\": -3}", "1e400", "{\"a\": {\"b\": {\"c\": []}}}",
            ], short: 7),
        Case(
            oid: 1009, kind: .string, isList: true,
            cells: ["{}", "{a}", "{a,b,\"c d\"}", "{\"\"}", "{NULL,a}", "{\"a\\\"b\"}", "{{a},{b}}", "[0:1]={a,b}", "{\"NULL\",\"{\"}"],
            short: 5),
        Case(oid: 1007, kind: .int, isList: true, cells: ["{}", "{1,-2,3}", "{NULL}"], short: 2),
    ]

    /// Copied sixteen, eight and one at a time: what is special is found wherever it stands.
    @Test func specialsAreFoundAtEachPlace() {
        for length in 0...40 {
            for place in 0..<max(1, length) {
                for special: UInt8 in [0x22, 0x5C, 0x0A, 0x1F, 0x7F, 0x21, 0x5B, 0x23] {
                    var bytes = [UInt8](repeating: 0x61, count: length)
                    if place < length { bytes[place] = special }
                    if place + 9 < length { bytes[place + 9] = 0x22 }
                    var sink = ByteSink(capacity: 1)
                    var writer = JSONWriter()
                    bytes.withUnsafeBytes { sink.string($0) }
                    writer.string(String(decoding: bytes, as: UTF8.self))
                    #expect(sink.bytes == writer.bytes, "\(length) \(place) \(special)")
                }
            }
        }
    }

    @Test(arguments: cases)
    func bothWaysAreOne(_ test: Case) throws {
        let reader = try #require(CellReader(oid: test.oid))
        let field = FieldStructure(column: "c", kind: test.kind, isList: test.isList, source: .null)
        let form = CellForm(field, reader, isJSONB: true)
        var short = 0
        for text in test.cells {
            var sink = ByteSink(capacity: 1)
            let isWritten = Array(text.utf8).withUnsafeBytes { CellWriter.write($0, form, into: &sink) }
            guard isWritten else {
                #expect(sink.count == 0, "\(text)")
                continue
            }
            short += 1
            let value = Array(text.utf8).withUnsafeBytes { reader.value($0) }
            var writer = JSONWriter()
            if test.isList { writer.raw("[") }
            for (index, element) in (test.isList ? value.elements ?? [] : [value]).enumerated() {
                if index > 0 { writer.raw(",") }
                try FieldWriter.write(element, test.kind, "c", [:], into: &writer)
            }
            if test.isList { writer.raw("]") }
            #expect(String(decoding: sink.bytes, as: UTF8.self) == String(decoding: writer.bytes, as: UTF8.self))
        }
        #expect(short == test.short)
    }
}
