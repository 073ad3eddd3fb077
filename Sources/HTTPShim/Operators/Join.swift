internal import PostgresSession

/// Attaches children to their parents (query plan specification §5.1).
enum Join {
    /// - Parameter parent: not null; a list or a record.
    static func attach(_ parent: Value, _ children: [(JoinChild, Value)], strict: Bool) throws(PlanFailure) -> Value {
        switch parent {
        case .rows(let slice):
            return .rows(RowSlice(try attach(slice.whole, children, strict: strict)))
        case .row(let row):
            let set = try attach(row.set.picking([Int32(truncatingIfNeeded: row.index)]), children, strict: strict)
            return .row(RowReference(set: set, index: 0))
        default: break
        }
        var parents: [Record] = []
        for element in parent.asList {
            guard let record = element.asRecord else { throw .plain("Expected object, got \(element.kind)") }
            parents.append(record)
        }
        for (join, value) in children {
            let attached = try matches(parents.map { .record($0) }, join, value, strict: strict)
            for index in parents.indices { parents[index].set(join.parentField, attached[index]) }
        }
        return parent.listCount == nil ? parents.first.map { .record($0) } ?? .null : .list(parents.map { .record($0) })
    }

    private static func attach(_ parents: RowSet, _ children: [(JoinChild, Value)], strict: Bool) throws(PlanFailure) -> RowSet {
        var parents = parents
        for (join, value) in children {
            let attached: [Value]
            if let found = IntegerJoin.matches(parents, join, value) {
                attached = found
            } else {
                let rows: [Value] = (0..<parents.count).map { .row(RowReference(set: parents, index: $0)) }
                attached = try matches(rows, join, value, strict: strict)
            }
            parents = parents.attaching(join.parentField, attached)
        }
        return parents
    }

    /// For each parent what is attached to it.
    private static func matches(_ parents: [Value], _ join: JoinChild, _ child: Value, strict: Bool) throws(PlanFailure) -> [Value] {
        var places: [RecordKey: [Int]] = [:]
        for (index, parent) in parents.enumerated() { places[RecordKey(parent, join.parentFields), default: []].append(index) }
        let casts = strict ? nil : casts(parents, join.parentFields)
        var lists = [[Value]](repeating: [], count: parents.count)
        for element in child.asList {
            if element.isNullish { continue }
            guard element.isRecord else { throw .plain("Expected object, got \(element.kind)") }
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
        var places = KeyPlaces(room: parents.count)
        // Parents with the same key share a place.
        let placeOfParent = (0..<parents.count).map { places.add(key(parents, parentColumn, $0)) }
        let placeOfChild = (0..<children.count).map { places.find(key(children, childColumn, $0)) }
        if join.isUnique {
            var last = [Int](repeating: -1, count: places.count)
            for (index, place) in placeOfChild.enumerated() where place >= 0 { last[place] = index }
            return placeOfParent.map { last[$0] < 0 ? .null : .row(RowReference(set: children, index: last[$0])) }
        }
        // Children by their parents' places, in their own order (counting sort).
        var starts = [Int](repeating: 0, count: places.count + 1)
        for place in placeOfChild where place >= 0 { starts[place + 1] += 1 }
        for place in 0..<places.count { starts[place + 1] += starts[place] }
        var order = [Int32](repeating: 0, count: starts[places.count])
        var next = starts
        for (index, place) in placeOfChild.enumerated() where place >= 0 {
            order[next[place]] = Int32(truncatingIfNeeded: index)
            next[place] += 1
        }
        let sorted = children.picking(order)
        return placeOfParent.map { place in .rows(RowSlice(sorted, starts[place]..<starts[place + 1])) }
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

/// Integers to places 0, 1, 2 …, in the order in which they came: a table of open addresses, which needs no memory per key.
/// NULL is a key as any other (query plan specification §5.0).
private struct KeyPlaces {
    private var slots: [(key: Int64, place: Int32)]
    private let mask: Int
    private var placeOfNull = -1
    private(set) var count = 0

    /// - Parameter room: how many keys will be added at most.
    init(room: Int) {
        var size = 16
        while size < room * 2 { size *= 2 }
        slots = [(key: Int64, place: Int32)](repeating: (0, -1), count: size)
        mask = size - 1
    }

    private func slot(_ key: Int64) -> Int {
        var slot = Int(truncatingIfNeeded: (UInt64(bitPattern: key) &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
        while slots[slot].place >= 0, slots[slot].key != key { slot = (slot + 1) & mask }
        return slot
    }

    mutating func add(_ key: Int64?) -> Int {
        guard let key else {
            if placeOfNull < 0 {
                placeOfNull = count
                count += 1
            }
            return placeOfNull
        }
        let slot = slot(key)
        if slots[slot].place < 0 {
            slots[slot] = (key, Int32(truncatingIfNeeded: count))
            count += 1
        }
        return Int(slots[slot].place)
    }

    /// -1 for a key that is not there.
    func find(_ key: Int64?) -> Int { key.map { Int(slots[slot($0)].place) } ?? placeOfNull }
}
