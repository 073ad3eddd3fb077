internal import CLibpqOnDemand

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The result of one statement, as libpq holds it: cells are read where they are, without a String for each.
/// Indexes out of range give nil, never a trap.
public final class ResultView: @unchecked Sendable {
    // A PGresult does not change once it is complete, and belongs to this object alone; any thread may read it.
    private let result: OpaquePointer

    public let rowCount: Int
    public let columnCount: Int

    /// Takes the result.
    init(owning result: OpaquePointer) {
        self.result = result
        rowCount = Int(PQntuples(result))
        columnCount = Int(PQnfields(result))
    }

    deinit { PQclear(result) }

    public func columnName(_ column: Int) -> String? {
        guard let name = PQfname(result, Int32(clamping: column)) else { return nil }
        return String(cString: name)
    }

    /// Whether the column has just that name, without a String for it.
    public func isNamed(_ column: Int, _ name: String) -> Bool {
        guard let found = PQfname(result, Int32(clamping: column)) else { return false }
        return name.withCString { strcmp(found, $0) == 0 }
    }

    /// The OID of the column's type in pg_type; 0 when there is no such column.
    public func columnType(_ column: Int) -> UInt32 { PQftype(result, Int32(clamping: column)) }

    /// The type's modifier, such as a numeric's precision; -1 when there is none.
    public func columnModifier(_ column: Int) -> Int32 {
        (0..<columnCount).contains(column) ? PQfmod(result, Int32(clamping: column)) : -1
    }

    /// `SELECT 5`, `CREATE TABLE`.
    public var commandTag: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }

    /// Rows inserted, changed, removed or selected; nil for statements that have no such number.
    public var affectedRows: Int? { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } }

    /// The bytes of a cell in PostgreSQL's text form, valid inside the closure; nil is NULL.
    @inlinable @inline(__always)
    public func withCell<T, E: Error>(row: Int, column: Int, _ body: (UnsafeRawBufferPointer?) throws(E) -> T) throws(E) -> T {
        defer { withExtendedLifetime(self) {} }
        return try body(cell(row, column))
    }

    /// Valid as long as this object.
    @usableFromInline
    func cell(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard row >= 0, row < rowCount, column >= 0, column < columnCount else { return nil }
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        let count = Int(PQgetlength(result, row, column))
        // NULL has no length; so it need not be asked for of what has one.
        guard count > 0 || PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    public func text(row: Int, column: Int) -> String? {
        withCell(row: row, column: column) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// All of it as strings.
    public var rows: Rows {
        Rows(
            columns: (0..<columnCount).map { columnName($0) ?? "" },
            rows: (0..<rowCount).map { row in (0..<columnCount).map { text(row: row, column: $0) } })
    }
}

/// A result as column names and text cells.
public struct Rows: Sendable, Equatable {
    public let columns: [String]
    /// nil is NULL.
    public let rows: [[String?]]
    public init(columns: [String], rows: [[String?]]) {
        self.columns = columns
        self.rows = rows
    }

    /// The first cell of the first row: NULL and no row are both nil.
    public var value: String? { rows.first?.first ?? nil }
}
