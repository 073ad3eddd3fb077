internal import PostgresSession

/// Rows of one result, in an order and with repetitions of their own, and fields that joins attached. Immutable.
final class RowSet {
    /// What the columns are; shared by all sets of a result.
    let columns: ResultColumns
    let result: ResultView
    /// Rows of `result`; nil: all, as they are.
    let selection: [Int32]?
    /// Fields beside the columns; each has a value per row of this set.
    let attached: [(name: String, values: [Value])]
    /// Their names; sets that were made of each other share the list.
    let attachedNames: [String]
    let count: Int

    init(
        columns: ResultColumns, result: ResultView, selection: [Int32]? = nil, attached: [(name: String, values: [Value])] = [],
        attachedNames: [String]? = nil
    ) {
        self.columns = columns
        self.result = result
        self.selection = selection
        self.attached = attached
        self.attachedNames = attachedNames ?? attached.map(\.name)
        count = selection?.count ?? result.rowCount
    }

    @inline(__always)
    func resultRow(_ index: Int) -> Int { selection.map { Int($0[index]) } ?? index }

    /// The same rows in another order, some left out, some repeated.
    func picking(_ indices: [Int32]) -> RowSet {
        RowSet(
            columns: columns, result: result, selection: selection.map { rows in indices.map { rows[Int($0)] } } ?? indices,
            attached: attached.map { field in (field.name, indices.map { field.values[Int($0)] }) }, attachedNames: attachedNames)
    }

    /// The same rows with one field more; a field or column of that name gives way.
    func attaching(_ name: String, _ values: [Value]) -> RowSet {
        RowSet(columns: columns, result: result, selection: selection, attached: attached.filter { $0.name != name } + [(name, values)])
    }

    /// nil when there is no such field.
    func field(_ name: String, _ index: Int) -> Value? {
        if let field = attached.first(where: { $0.name == name }) { return field.values[index] }
        return columns.position(name).map { cell($0, index) }
    }

    func cell(_ column: Int, _ index: Int) -> Value {
        result.withCell(row: resultRow(index), column: column) { bytes in bytes.map { columns.readers[column].value($0) } ?? .null }
    }
}

/// Consecutive rows of a set.
struct RowSlice {
    let set: RowSet
    private let first: Int32
    private let length: Int32

    init(_ set: RowSet) { self.init(set, 0..<set.count) }
    init(_ set: RowSet, _ range: Range<Int>) {
        self.set = set
        first = Int32(truncatingIfNeeded: range.lowerBound)
        length = Int32(truncatingIfNeeded: range.count)
    }

    var count: Int { Int(length) }
    var start: Int { Int(first) }
    subscript(index: Int) -> RowReference { RowReference(set: self.set, index: start + index) }

    /// As a set of just these rows.
    var whole: RowSet {
        start == 0 && count == set.count ? set : set.picking((first..<first + length).map { $0 })
    }
}

struct RowReference {
    let set: RowSet
    private let position: Int32

    init(set: RowSet, index: Int) {
        self.set = set
        position = Int32(truncatingIfNeeded: index)
    }

    var index: Int { Int(position) }
    subscript(name: String) -> Value? { self.set.field(name, index) }

    var record: Record {
        let hidden = Set(set.attached.map(\.name))
        var members: [(String, Value)] = []
        for (name, column) in set.columns.fields {
            // An attached field stands in the column's place.
            let value = hidden.contains(name) ? set.field(name, index) ?? .null : set.cell(column, index)
            members.append((name, value))
        }
        for field in set.attached where set.columns.position(field.name) == nil { members.append((field.name, field.values[index])) }
        return Record(members)
    }
}

/// A result's columns: names as records have them, and how each column's cells are read. Kept with the plan's query, so
/// that a query that comes again costs nothing.
final class ResultColumns {
    /// As the result has them; names may repeat.
    let names: [String]
    let readers: [CellReader]
    /// Of columns with the same name the last one's cells, at the first one's place (§0).
    let fields: [(name: String, column: Int)]
    private let positions: [String: Int]
    private let types: [UInt32]

    /// - Throws: P2010 for a type that can't be read (§7.1), also when there is no row.
    init(_ result: ResultView, isRaw: Bool) throws(PlanFailure) {
        let range = 0..<result.columnCount
        names = range.map { result.columnName($0) ?? "" }
        types = range.map { result.columnType($0) }
        var readers: [CellReader] = []
        for type in types {
            guard let reader = CellReader(oid: type) else {
                throw DatabaseFailure.unsupported(type: BuiltInTypes.name(type)).failure(isRaw: isRaw)
            }
            readers.append(reader)
        }
        self.readers = readers
        var fields: [(name: String, column: Int)] = []
        var places: [String: Int] = [:]
        for (column, name) in names.enumerated() {
            if let place = places[name] {
                fields[place].column = column
            } else {
                places[name] = fields.count
                fields.append((name, column))
            }
        }
        self.fields = fields
        positions = Dictionary(fields.map { ($0.name, $0.column) }, uniquingKeysWith: { first, _ in first })
    }

    func position(_ name: String) -> Int? { positions[name] }

    /// Whose text has no key twice.
    func isJSONB(_ column: Int) -> Bool { types[column] == 3802 }

    /// Whether the result has just these columns.
    func fit(_ result: ResultView) -> Bool {
        guard result.columnCount == types.count else { return false }
        for column in types.indices where result.columnType(column) != types[column] || !result.isNamed(column, names[column]) {
            return false
        }
        return true
    }
}
