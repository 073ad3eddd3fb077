internal import Basics

/// One value as a field of the answer (query plan specification §6.2), normalised as §9.4 has it.
enum FieldWriter {
    /// - Parameter column: for errors.
    /// - Throws: P2023 for a value that is not of the kind; plain, with nothing written, for one that can't be normalised.
    static func write(
        _ value: Value, _ kind: FieldStructure.Kind, _ column: String, _ enums: [String: [String: String]], into writer: inout JSONWriter
    ) throws(PlanFailure) {
        func expected(_ what: String) -> PlanFailure {
            .mapping("Expected \(what) in column '\(column)', got \(value.kind): \(ValueText.string(value))")
        }
        switch kind {
        case .unsupported: ValueWriter.write(value, into: &writer)
        case .string:
            guard case .string(let text) = value else { throw expected("a string") }
            writer.string(text)
        case .int: writer.double(try integer(value, column))
        case .bigint:
            guard let text = numberText(value) else { throw expected("a bigint") }
            tagged("BigInt", text, into: &writer)
        case .float:
            guard let number = try float(value) else { throw expected("a float") }
            writer.double(number)
        case .boolean:
            guard let flag = boolean(value) else { throw expected("a boolean") }
            writer.bool(flag)
        case .decimal:
            guard let text = numberText(value) else { throw expected("a decimal") }
            guard let decimal = Decimal.canonical(text) else { throw .plain("[DecimalError] Invalid argument: \(text)") }
            tagged("Decimal", decimal, into: &writer)
        case .datetime:
            let instant: Int64?
            switch value {
            case .string(let text): instant = Instant.parse(DateText.normalised(text))
            case .date(let milliseconds): instant = milliseconds
            default:
                guard let number = value.number else { throw expected("a date") }
                instant = Int64(exactly: number.rounded(.towardZero))
            }
            guard let instant, Instant.range.contains(instant) else { throw .plain("Invalid time value") }
            tagged("DateTime", Instant.iso(instant), into: &writer)
        case .json:
            // JSON text already; compact, as JavaScript would write it again.
            let text = ValueText.string(value)
            guard let parsed = try? JSONScanner.parse(Array(text.utf8)) else { throw .plain("Not valid JSON: \(text.prefix(100))") }
            tagged("Json", parsed.text, into: &writer)
        case .object: tagged("Json", ValueText.shown(value), into: &writer)
        case .bytes(let encoding): try bytes(value, encoding, expected, into: &writer)
        case .enumeration(let name):
            guard let names = enums[name] else { throw .mapping("Unknown enum '\(name)'") }
            let text = ValueText.string(value)
            guard let known = names[text] else { throw .mapping("Value '\(text)' not found in enum '\(name)'") }
            writer.string(known)
        }
    }

    static func tagged(_ tag: StaticString, _ text: String, into writer: inout JSONWriter) {
        writer.raw("{\"$type\":\"")
        writer.raw(tag)
        writer.raw("\",\"value\":")
        writer.string(text)
        writer.byte(UInt8(ascii: "}"))
    }

    /// A number is cut off and no more; the text of one must be exact.
    private static func integer(_ value: Value, _ column: String) throws(PlanFailure) -> Double {
        func failure(_ rest: String) -> PlanFailure { .mapping("\(rest): \(ValueText.string(value))") }
        let number: Double
        switch value {
        case .int(let integer): return Double(integer)
        case .double, .numeric: return (value.number ?? .nan).rounded(.towardZero)
        case .string(let text): number = JSNumber.parse(text) ?? .nan
        default: throw failure("Expected an integer in column '\(column)', got \(value.kind)")
        }
        guard number.isFinite else { throw failure("Expected an integer in column '\(column)', got \(value.kind)") }
        let truncated = number.rounded(.towardZero)
        guard abs(truncated) <= JSNumber.maximalSafeInteger else {
            throw .mapping(
                "Integer value in column '\(column)' is too large to represent as a JavaScript number without loss of precision, got: \(ValueText.string(value)). Consider using BigInt type."
            )
        }
        return truncated
    }

    /// A number's or text's own digits.
    private static func numberText(_ value: Value) -> String? {
        switch value {
        case .string(let text): text
        case .int, .double, .numeric: ValueText.string(value)
        default: nil
        }
    }

    private static func float(_ value: Value) throws(PlanFailure) -> Double? {
        switch value {
        case .string(let text):
            if ["nan", "+nan", "-nan"].contains(text.lowercased()) { return .nan }
            return JSNumber.parse(text)
        default: return value.number
        }
    }

    private static func boolean(_ value: Value) -> Bool? {
        switch value {
        case .bool(let flag): flag
        case .string("true"), .string("TRUE"), .string("1"): true
        case .string("false"), .string("FALSE"), .string("0"): false
        case .bytes(let bytes): bytes.contains { $0 != 0 }
        default:
            // A list as if it were bytes: any element that is not the number 0.
            value.elements.map { $0.contains { $0.kind != "number" || $0.number != 0 } } ?? value.number.map { $0 == 1 }
        }
    }

    private static func bytes(
        _ value: Value, _ encoding: FieldStructure.Encoding, _ expected: (String) -> PlanFailure, into writer: inout JSONWriter
    ) throws(PlanFailure) {
        let content: [UInt8]
        switch (encoding, value) {
        case (.array, .bytes(let bytes)): content = bytes
        case (.array, _): throw expected("a byte array")
        case (.hex, .string(var text)) where text.hasPrefix("\\x"):
            guard let decoded = text.withUTF8({ Hexadecimal.decode(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0)[2...])) })
            else {
                throw expected("a hex-encoded byte array")
            }
            content = decoded
        case (.hex, _): throw expected("a hex-encoded byte array")
        case (.base64, .string(let text)): content = Base64.decode(text.utf8)
        case (.base64, _): throw expected("a base64-encoded byte array")
        }
        tagged("Bytes", String(decoding: Base64.encode(content), as: UTF8.self), into: &writer)
    }
}
