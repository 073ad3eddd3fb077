/// What makes records equal for `join`, `diff`, `distinct` and groups: the JSON text of their fields' values (query plan
/// specification §5.0), so that `1` and `"1"` differ, 1.0 and 1 don't, and what is missing is null.
struct RecordKey: Hashable {
    let bytes: [UInt8]

    init(_ value: Value, _ fields: [String], casts: [KeyCast]? = nil) {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (index, field) in fields.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            var part = value.field(field) ?? .null
            if let casts { part = casts[index].applied(to: part) }
            RecordKey.write(part, into: &writer)
        }
        writer.byte(UInt8(ascii: "]"))
        bytes = writer.bytes
    }

    private static func write(_ value: Value, into writer: inout JSONWriter) {
        // Large numbers keep all their digits.
        if case .numeric(let lexeme) = value { return writer.raw(lexeme) }
        ValueWriter.write(value, into: &writer)
    }

    /// The order of groups: by UTF-16 code units, as JavaScript sorts strings.
    static func ordered(_ left: RecordKey, _ right: RecordKey) -> Bool {
        String(decoding: left.bytes, as: UTF8.self).utf16.lexicographicallyPrecedes(String(decoding: right.bytes, as: UTF8.self).utf16)
    }
}

/// How a child's key is made to fit its parent's, where a plan does not promise equal kinds (§5.1).
enum KeyCast {
    case none, number, string, boolean

    init(like value: Value) {
        switch value.kind {
        case "number": self = .number
        case "string": self = .string
        case "boolean": self = .boolean
        default: self = .none
        }
    }

    func applied(to value: Value) -> Value {
        if value.isNullish { return .null }
        return switch self {
        case .none: value
        case .number: ValueText.value(ValueText.number(value))
        case .string: .string(ValueText.string(value))
        case .boolean: .bool(KeyCast.isTrue(value))
        }
    }

    private static func isTrue(_ value: Value) -> Bool {
        switch value {
        case .bool(let value): value
        case .string(let text): !text.isEmpty
        default: value.number.map { $0 != 0 && !$0.isNaN } ?? true
        }
    }
}
