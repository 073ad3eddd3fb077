internal import PostgresSession

/// Attaches children to their parents (query plan specification §5.1).
enum Join {
    /// - Parameter parent: not null; a list or a record.
    static func attach(_ parent: Value, _ children: [(JoinChild, Value)], strict: Bool) throws(PlanFailure) -> Value {
        switch parent {
        case .rows(let slice):
            return .rows(RowSlice(attach(slice.whole, children, strict: strict)))
        case .row(let row):
            let set = attach(row.set.picking([Int32(truncatingIfNeeded: row.index)]), children, strict: strict)
            return .row(RowReference(set: set, index: 0))
        default: break
        }
        var parents: [Record] = []
        for element in parent.asList {
            guard let record = element.asRecord else { throw .plain("Expected object, got \(element.kind)") }
            parents.append(record)
        }
        for (join, value) in children {
            let attached = matches(parents.map { .record($0) }, join, value, strict: strict)
            for index in parents.indices { parents[index].set(join.parentField, attached[index]) }
        }
        return parent.listCount == nil ? parents.first.map { .record($0) } ?? .null : .list(parents.map { .record($0) })
    }

    private static func attach(_ parents: RowSet, _ children: [(JoinChild, Value)], strict: Bool) -> RowSet {
        var parents = parents
        for (join, value) in children {
            let attached =
                IntegerJoin.matches(parents, join, value)
                ?? matches((0..<parents.count).map { .row(RowReference(set: parents, index: $0)) }, join, value, strict: strict)
            parents = parents.attaching(join.parentField, attached)
        }
        return parents
    }

    /// For each parent what is attached to it.
    private static func matches(_ parents: [Value], _ join: JoinChild, _ child: Value, strict: Bool) -> [Value] {
        var places: [RecordKey: [Int]] = [:]
        for (index, parent) in parents.enumerated() { places[RecordKey(parent, join.parentFields), default: []].append(index) }
        let casts = strict ? nil : casts(parents, join.parentFields)
        var lists = [[Value]](repeating: [], count: parents.count)
        for element in child.asList {
            if element.isNullish { continue }
            for place in places[RecordKey(element, join.childFields, casts: casts)] ?? [] { lists[place].append(element) }
        }
        return lists.map { list in join.isUnique ? list.last ?? .null : .list(list) }
    }

    /// By the first value of each parent column that is not null.
    private static func casts(_ parents: [Value], _ fields: [String]) -> [KeyCast] {
        fields.map { field in
            parents.lazy.compactMap { $0.field(field) }.first { !$0.isNullish }.map { KeyCast(like: $0) } ?? .none
        }
    }
}

/// The usual join: rows to rows by one integer column, without a value or key made for any row. The children are put in
/// their parents' order, so that each parent has a slice of them.
enum IntegerJoin {
    /// nil when this is another kind of join.
    static func matches(_ parents: RowSet, _ join: JoinChild, _ child: Value) -> [Value]? {
        guard case .rows(let slice) = child, join.parentFields.count == 1, join.childFields.count == 1 else { return nil }
        let children = slice.whole
        guard let parentColumn = integerColumn(parents, join.parentFields[0]),
            let childColumn = integerColumn(children, join.childFields[0])
        else { return nil }
        var parentKeys: [Int64?] = []
        parentKeys.reserveCapacity(parents.count)
        for index in 0..<parents.count { parentKeys.append(key(parents, parentColumn, index)) }

        var childrenOf: [Int64?: [Int32]] = [:]
        childrenOf.reserveCapacity(parents.count)
        for key in parentKeys { childrenOf[key] = [] }
        for index in 0..<children.count {
            childrenOf[key(children, childColumn, index)]?.append(Int32(truncatingIfNeeded: index))
        }
        if join.isUnique {
            return parentKeys.map { key in
                childrenOf[key]?.last.map { .row(RowReference(set: children, index: Int($0))) } ?? .null
            }
        }
        var order: [Int32] = []
        order.reserveCapacity(children.count)
        var ranges: [Range<Int>] = []
        for key in parentKeys {
            let start = order.count
            order.append(contentsOf: childrenOf[key] ?? [])
            ranges.append(start..<order.count)
        }
        let sorted = children.picking(order)
        return ranges.map { .rows(RowSlice(sorted, $0)) }
    }

    private static func integerColumn(_ rows: RowSet, _ name: String) -> Int? {
        guard !rows.attached.contains(where: { $0.name == name }), let column = rows.columns.position(name) else { return nil }
        let reader = rows.columns.readers[column]
        return reader.kind == .int && !reader.isArray ? column : nil
    }

    private static func key(_ rows: RowSet, _ column: Int, _ index: Int) -> Int64? {
        rows.result.withCell(row: rows.resultRow(index), column: column) { $0.flatMap { CellReader.integer($0) } }
    }
}
