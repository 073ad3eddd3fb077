internal import Basics
public import Loop

/// libpq, non-blocking, on the loop. STUB: signatures to code against.
public final class Session {
    /// - Parameter parameters: libpq keywords (host = socket folder, port, user, dbname, password …).
    /// - Throws: `PostgresError` with SQLSTATE when the server refused, else `DevError` code `postgres`.
    public static func connect(loop: Loop, _ parameters: [String: String], timeout: Duration) async throws(PostgresError) -> Session {
        fatalError()
    }
    /// Extended query with text parameters and text results; no parameters: one simple statement.
    public func query(_ sql: String, _ parameters: [String?] = []) async throws(PostgresError) -> Rows { fatalError() }
    public func close() {}
    /// Major × 10000 + minor, as PQserverVersion.
    public var serverVersion: Int32 { fatalError() }
}

/// A result: column names and text cells.
public struct Rows: Sendable {
    public let columns: [String]
    public let rows: [[String?]]
    public init(columns: [String], rows: [[String?]]) {
        self.columns = columns
        self.rows = rows
    }
}

public struct PostgresError: Error, Sendable, Equatable {
    /// nil when the failure is not the server's word (socket gone, timeout).
    public var sqlState: String?
    public var message: String
    public var detail: String?
    public var hint: String?
    public init(sqlState: String?, message: String, detail: String? = nil, hint: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
    }
}
