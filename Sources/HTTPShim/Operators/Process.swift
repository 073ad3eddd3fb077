internal import Basics

/// distinct, pages, order and nesting in memory (query plan specification §5.2). Cursors are evaluated already.
struct ProcessOperator {
    let distinct: [String]?
    let cursor: [(name: String, value: Value)]?
    let take: Int?
    let skip: Int?
    let hasPagination: Bool
    let reverse: Bool
    let linkingFields: [String]?
    let nested: [(name: String, ProcessOperator)]

    func applied(to value: Value) throws(PlanFailure) -> Value {
        switch value.plain {
        case .null, .undefined: return value
        case .string(let text):
            guard let parsed = try? JSONScanner.parse(Array(text.utf8)) else {
                throw .plain("Expected JSON to process, got \(text.prefix(100))")
            }
            return try applied(to: Value(parsed))
        case .list, .rows: return try many(value)
        default: return try single(value)
        }
    }

    private func single(_ value: Value) throws(PlanFailure) -> Value {
        if hasPagination {
            if let skip, skip > 0 { return .null }
            if take == 0 { return .null }
            if let cursor, !CursorMatch.matches(value, cursor) { return .null }
        }
        return try nest(value)
    }

    private func many(_ value: Value) throws(PlanFailure) -> Value {
        let elements = value.asList
        var kept = Array(elements.indices)
        if let distinct {
            var seen: Set<RecordKey> = []
            let fields = distinct + (linkingFields ?? [])
            kept = kept.filter { seen.insert(RecordKey(elements[$0], fields)).inserted }
        }
        if hasPagination {
            if let linkingFields {
                var groups: [RecordKey: [Int]] = [:]
                for index in kept { groups[RecordKey(elements[index], linkingFields), default: []].append(index) }
                kept = groups.sorted { RecordKey.ordered($0.key, $1.key) }.flatMap { page($0.value, elements) }
            } else {
                kept = page(kept, elements)
            }
        }
        if reverse { kept.reverse() }
        if nested.isEmpty, case .rows(let slice) = value {
            return .rows(RowSlice(slice.set.picking(kept.map { Int32(truncatingIfNeeded: slice.start + $0) })))
        }
        var result: [Value] = []
        for index in kept { result.append(try nest(elements[index])) }
        return .list(result)
    }

    private func page(_ indices: [Int], _ elements: [Value]) -> [Int] {
        var start = 0
        if let cursor {
            guard let found = indices.firstIndex(where: { CursorMatch.matches(elements[$0], cursor) }) else { return [] }
            start = found
        }
        // JavaScript's slice: negative bounds count from the end.
        let (from, overflow) = start.addingReportingOverflow(skip ?? 0)
        guard !overflow else { return [] }
        let end = take.map { from.addingReportingOverflow($0) }.map { $0.overflow ? Int.max : $0.partialValue } ?? indices.count
        func bound(_ index: Int) -> Int { index < 0 ? max(0, indices.count + max(index, -indices.count)) : min(index, indices.count) }
        let (lower, upper) = (bound(from), bound(end))
        return lower < upper ? Array(indices[lower..<upper]) : []
    }

    private func nest(_ value: Value) throws(PlanFailure) -> Value {
        guard !nested.isEmpty, var record = value.asRecord else { return value }
        for (name, operations) in nested { record.set(name, try operations.applied(to: record[name] ?? .undefined)) }
        return .record(record)
    }
}

/// Whether a record is the one a cursor names (§5.2 keysMatch).
enum CursorMatch {
    static func matches(_ record: Value, _ cursor: [(name: String, value: Value)]) -> Bool {
        // By the keys of whichever has fewer.
        if let record = record.asRecord, record.values.count < cursor.count {
            return record.members.allSatisfy { name, value in equal(value, cursor.first { $0.name == name }?.value ?? .undefined) }
        }
        return cursor.allSatisfy { member in equal(record.field(member.name) ?? .undefined, member.value) }
    }

    static func equal(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null), (.undefined, .undefined): return true
        case (.null, _), (_, .null), (.undefined, _), (_, .undefined): return false
        case (.string(let left), .string(let right)): return left == right
        case (.bool(let left), .bool(let right)): return left == right
        case (.bytes(let bytes), let other), (let other, .bytes(let bytes)):
            switch other {
            case .bytes(let others): return bytes == others
            case .string(let text): return bytes == Base64.decode(text.utf8)
            default: return false
            }
        case (.date(let instant), let other), (let other, .date(let instant)):
            switch other {
            case .date(let others): return instant == others
            case .string(let text): return Instant.parse(text) == instant
            default: return other.number == Double(instant)
            }
        case (.bool, _), (_, .bool): return false
        default: break
        }
        if left.number != nil || right.number != nil { return ValueText.number(left) == ValueText.number(right) }
        return ValueText.shown(left) == ValueText.shown(right)
    }
}
