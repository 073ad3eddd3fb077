/// A value while a plan runs. `undefined` is JavaScript's, distinct from null. Rows stay where libpq put them: a case that
/// refers to them costs no copy of a cell.
enum Value {
    case undefined
    case null
    case bool(Bool)
    /// Within ±(2^53 − 1).
    case int(Int64)
    case double(Double)
    /// Digits that no double has, as they stood in JSON: a number to every rule, kept for what maps it to a Decimal.
    case numeric(String)
    case string(String)
    case bytes([UInt8])
    /// Milliseconds since 1970, UTC.
    case date(Int64)
    case list([Value])
    case record(Record)
    case rows(RowSlice)
    case row(RowReference)
    /// What a dataMap made: the JSON of the answer.
    case mapped(MappedValue)
    case raw(RawTable)
}

extension Value {
    init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let lexeme): self = Value(lexeme: lexeme)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(elements.map { Value($0) })
        case .object(let members): self = .record(Record(members.map { ($0.key, Value($0.value)) }))
        }
    }

    init(lexeme: String) {
        if let integer = Int64(lexeme), integer.magnitude <= 9_007_199_254_740_991 {
            // "-0" is 0.
            self = .int(integer)
            return
        }
        let double = Double(lexeme) ?? .nan
        if double == double.rounded(), abs(double) <= JSNumber.maximalSafeInteger {
            self = .int(Int64(double))
        } else {
            self = Value.holds(double, lexeme) ? .double(double) : .numeric(lexeme)
        }
    }

    /// Whether the double has every digit of the text.
    private static func holds(_ double: Double, _ lexeme: String) -> Bool {
        // 15 significant digits always survive; longer ones do when they are the double's own shortest.
        lexeme.utf8.count { (0x30...0x39).contains($0) } <= 15 || JSNumber.text(double) == lexeme
    }

    /// JavaScript's `typeof`.
    var kind: String {
        switch self {
        case .undefined: "undefined"
        case .bool: "boolean"
        case .int, .double, .numeric: "number"
        case .string: "string"
        default: "object"
        }
    }

    /// As a number, when it is one; strings are not read.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .numeric(let lexeme): Double(lexeme)
        default: nil
        }
    }

    var isNullish: Bool {
        switch self {
        case .null, .undefined: true
        default: false
        }
    }

    /// null, undefined or `[]`; not `{}`, 0, "", false (§3).
    var isEmpty: Bool {
        switch self {
        case .null, .undefined: true
        case .list(let elements): elements.isEmpty
        case .rows(let slice): slice.count == 0
        case .mapped(let mapped): mapped.value.isEmpty
        default: false
        }
    }

    /// How many elements, when it is a list.
    var listCount: Int? {
        switch self {
        case .list(let elements): elements.count
        case .rows(let slice): slice.count
        case .mapped(let mapped): mapped.value.listCount
        default: nil
        }
    }

    /// Its elements when it is a list.
    var elements: [Value]? {
        switch self {
        case .list(let elements): elements
        case .rows(let slice): (0..<slice.count).map { .row(slice[$0]) }
        case .mapped(let mapped): mapped.value.elements
        default: nil
        }
    }

    /// A list as it is, anything else as a list of itself (§3).
    var asList: [Value] { elements ?? [self] }

    /// A field of a record; nil when there is none, or this is no record.
    func field(_ name: String) -> Value? {
        switch self {
        case .record(let record): record[name]
        case .row(let row): row[name]
        case .mapped(let mapped): mapped.value.field(name)
        default: nil
        }
    }

    var isRecord: Bool {
        switch self {
        case .record, .row: true
        case .mapped(let mapped): mapped.value.isRecord
        default: false
        }
    }

    /// As a record of its own: rows are read out. nil for what is none.
    var asRecord: Record? {
        switch self {
        case .record(let record): record
        case .row(let row): row.record
        case .mapped(let mapped): mapped.value.asRecord
        default: nil
        }
    }

    /// What stands behind a dataMap's answer, else itself.
    var plain: Value {
        if case .mapped(let mapped) = self { mapped.value } else { self }
    }
}
