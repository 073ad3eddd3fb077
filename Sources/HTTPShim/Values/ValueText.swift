/// Values as JavaScript turns them into strings and numbers.
enum ValueText {
    /// `String(value)`.
    static func string(_ value: Value) -> String {
        switch value.plain {
        case .undefined: "undefined"
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value): JSNumber.text(value)
        case .numeric(let lexeme): lexeme
        case .string(let text): text
        case .bytes(let bytes): bytes.map { String($0) }.joined(separator: ",")
        case .date(let milliseconds): Instant.words(milliseconds)
        case .list, .rows: value.asList.map { $0.isNullish ? "" : string($0) }.joined(separator: ",")
        case .record, .row, .raw, .mapped: "[object Object]"
        }
    }

    /// `Number(value)`: NaN for what is none.
    static func number(_ value: Value) -> Double {
        switch value.plain {
        case .undefined, .record, .row, .raw, .mapped, .bytes: .nan
        case .null: 0
        case .bool(let value): value ? 1 : 0
        case .string(let text): JSNumber.parse(text) ?? .nan
        case .date(let milliseconds): Double(milliseconds)
        case .list, .rows: JSNumber.parse(string(value)) ?? .nan
        case let number: number.number ?? .nan
        }
    }

    /// A number as a value, an integer where it is one.
    static func value(_ number: Double) -> Value {
        number == number.rounded() && abs(number) <= JSNumber.maximalSafeInteger ? .int(Int64(number)) : .double(number)
    }

    /// As an error shows it.
    static func shown(_ value: Value) -> String {
        var writer = JSONWriter()
        ValueWriter.write(value, into: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
