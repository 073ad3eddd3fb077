/// Nodes that only look at values (query plan specification §3).
enum PureNodes {
    static func unique(_ value: Value) throws(PlanFailure) -> Value {
        guard let count = value.listCount else { return value }
        guard count <= 1 else { throw .plain("Expected zero or one element, got \(count)") }
        if case .rows(let slice) = value { return count == 1 ? .row(slice[0]) : .null }
        return value.elements?.first ?? .null
    }

    static func reversed(_ value: Value) -> Value {
        guard let elements = value.elements else { return value }
        if case .rows(let slice) = value {
            return .rows(RowSlice(slice.set.picking((0..<slice.count).reversed().map { Int32(truncatingIfNeeded: slice.start + $0) })))
        }
        return .list(elements.reversed())
    }

    static func mapField(_ field: String, _ value: Value) -> Value {
        switch value {
        case .rows(let slice): return .list((0..<slice.count).map { nonUndefined(slice[$0][field]) })
        case .list(let elements): return .list(elements.map { mapField(field, $0) })
        case .record, .row: return nonUndefined(value.field(field))
        case .mapped(let mapped): return mapField(field, mapped.value)
        // Objects to JavaScript, without such a field.
        case .date, .bytes: return .null
        default: return value
        }
    }

    private static func nonUndefined(_ value: Value?) -> Value {
        if case .undefined? = value { return .null }
        return value ?? .null
    }

    static func sum(_ parts: [Value]) throws(PlanFailure) -> Value {
        guard parts.count != 1 else { return parts[0] }
        var sum = 0.0
        for part in parts {
            switch part.plain {
            case .string(let text): sum += JSNumber.parse(text) ?? .nan
            case let value:
                guard let number = value.number else { throw .plain("Expected number, got \(value.kind)") }
                sum += number
            }
        }
        return ValueText.value(sum)
    }

    static func difference(_ from: Value, _ to: Value, _ fields: [String]) throws(PlanFailure) -> Value {
        func key(_ item: Value) throws(PlanFailure) -> RecordKey? {
            if item.isNullish { return nil }
            guard item.isRecord else { throw .plain("Expected object, got \(item.kind)") }
            return RecordKey(item, fields)
        }
        var others: Set<RecordKey?> = []
        for item in to.asList { others.insert(try key(item)) }
        var kept: [Value] = []
        for item in from.asList where !others.contains(try key(item)) { kept.append(item) }
        return .list(kept)
    }

    static func mapRecord(_ value: Value, _ changes: [(name: String, kind: FieldChange.Kind, value: Value)]) throws(PlanFailure) -> Value {
        var record: Record
        if value.isNullish {
            record = Record([])
        } else {
            guard let found = value.asRecord else { throw .plain("Expected object, got \(value.kind)") }
            record = found
        }
        for (name, kind, operand) in changes {
            if kind == .set {
                record.set(name, operand)
                continue
            }
            let (left, right) = (try number(record[name] ?? .undefined), try number(operand))
            switch kind {
            case .set: break
            case .add: record.set(name, ValueText.value(left + right))
            case .subtract: record.set(name, ValueText.value(left - right))
            case .multiply: record.set(name, ValueText.value(left * right))
            case .divide: record.set(name, right == 0 ? .null : ValueText.value(left / right))
            }
        }
        return .record(record)
    }

    private static func number(_ value: Value) throws(PlanFailure) -> Double {
        if case .string(let text) = value { return JSNumber.parse(text) ?? .nan }
        guard let number = value.number else { throw .plain("Expected number, got \(value.kind)") }
        return number
    }
}
