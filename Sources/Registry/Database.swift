internal import Basics
internal import CSQLite

/// One SQLite connection and its statements; both are freed here and nowhere else. Not thread-safe: `Registry`'s
/// lock protects it.
final class Database {
    enum Value {
        case text(String)
        case integer(Int64)
        case real(Double)
        case null

        init(_ text: String?) { self = text.map { .text($0) } ?? .null }
        init(_ number: Double?) { self = number.map { .real($0) } ?? .null }
    }

    let path: String
    private let handle: OpaquePointer
    /// Prepared once, kept for the connection's life: the program has a few dozen statements.
    private var statements: [String: OpaquePointer] = [:]

    /// Opens an existing file for reading and writing.
    init(path: String) throws(DevError) {
        self.path = path
        var handle: OpaquePointer?
        // No mutex of SQLite's own: our lock is around every call.
        let status = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard let handle else {
            throw DevError(.system, "Can't open the registry", object: path, cause: "SQLite has no memory")
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        guard status == SQLITE_OK else { throw failure(status) }
        // Where SQLite may not write it opens for reading without a word.
        guard sqlite3_db_readonly(handle, "main") == 0 else { throw RegistryError.readOnly(path) }
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Runs a statement whose rows do not matter.
    func run(_ sql: String, _ values: [Value] = []) throws(DevError) {
        _ = try rows(sql, values) { _ in }
    }

    /// Runs a statement and reads each row.
    func rows<T>(_ sql: String, _ values: [Value] = [], _ read: (Row) throws(DevError) -> T) throws(DevError) -> [T] {
        let statement = try prepared(sql)
        // Reset on every way out: a statement that is not holds its read lock.
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() { try bind(statement, Int32(clamping: index + 1), value) }
        var result: [T] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try result.append(read(Row(statement: statement)))
            case SQLITE_DONE: return result
            case let status: throw failure(status)
            }
        }
    }

    /// `BEGIN IMMEDIATE`: a transaction that reads first and writes later would fail at once, busy timeout or not,
    /// when another has committed meanwhile.
    func transaction<T>(_ body: () throws(DevError) -> T) throws(DevError) -> T {
        try run("BEGIN IMMEDIATE")
        do throws(DevError) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // Some errors (disk full) have rolled back already.
            if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }

    var lastRowID: Int64 { sqlite3_last_insert_rowid(handle) }
    /// Rows that the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    /// The whole database as the bytes of a file, the WAL's content included.
    func serialized() throws(DevError) -> [UInt8] {
        var size: sqlite3_int64 = 0
        guard let bytes = sqlite3_serialize(handle, "main", &size, 0) else {
            throw DevError(.system, "Can't copy the registry", object: path, cause: String(cString: sqlite3_errmsg(handle)))
        }
        defer { sqlite3_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    private func prepared(_ sql: String) throws(DevError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard status == SQLITE_OK, let statement else { throw failure(status) }
        statements[sql] = statement
        return statement
    }

    private func bind(_ statement: OpaquePointer, _ index: Int32, _ value: Value) throws(DevError) {
        // SQLITE_TRANSIENT, a cast that the importer can't make: SQLite copies before the call returns.
        let copy = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let status: Int32
        switch value {
        case .text(var text):
            // With its length, so that a NUL does not cut it.
            status = text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) { chars in
                    sqlite3_bind_text64(statement, index, chars.baseAddress, UInt64(chars.count), copy, UInt8(SQLITE_UTF8))
                }
            }
        case .integer(let number): status = sqlite3_bind_int64(statement, index, number)
        case .real(let number): status = sqlite3_bind_double(statement, index, number)
        case .null: status = sqlite3_bind_null(statement, index)
        }
        guard status == SQLITE_OK else { throw failure(status) }
    }

    private func failure(_ status: Int32) -> DevError {
        RegistryError.failed(status, errno: sqlite3_system_errno(handle), text: String(cString: sqlite3_errmsg(handle)), path)
    }
}

/// The row a statement stands on; valid inside the closure that got it.
struct Row {
    fileprivate let statement: OpaquePointer

    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func optionalText(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func real(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }
    func optionalReal(_ column: Int32) -> Double? {
        sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : sqlite3_column_double(statement, column)
    }
}
