// What HTTPShim's pure part asks of PostgresSession, without libpq: the plan and cell fuzzers are built with it.

public final class ResultView: Sendable {
    public let rowCount = 0
    public let columnCount = 0
    public func columnName(_ column: Int) -> String? { nil }
    public func isNamed(_ column: Int, _ name: String) -> Bool { false }
    public func columnType(_ column: Int) -> UInt32 { 0 }
    public var commandTag: String { "" }
    public var affectedRows: Int? { nil }
    public func withCell<T, E: Error>(row: Int, column: Int, _ body: (UnsafeRawBufferPointer?) throws(E) -> T) throws(E) -> T {
        try body(nil)
    }
}

public struct PostgresError: Error, Equatable {
    public enum Kind: Sendable { case server, connection, timedOut, cancelled, misuse }
    public var kind: Kind
    public var sqlState: String?
    public var message: String
    public var detail: String?
    public var hint: String?
    public var severity: String?
    public var table: String?
    public var column: String?
    public var constraint: String?

    public init(sqlState: String?, message: String, kind: Kind? = nil) {
        self.kind = kind ?? (sqlState == nil ? .connection : .server)
        self.sqlState = sqlState
        self.message = message
    }
}

public struct Parameters {
    public init() {}
    public mutating func appendNull() {}
    public mutating func append(text: String) throws(PostgresError) {
        guard !text.utf8.contains(0) else { throw PostgresError(sqlState: nil, message: "", kind: .misuse) }
    }
    public mutating func append(text: [UInt8]) throws(PostgresError) {
        guard !text.contains(0) else { throw PostgresError(sqlState: nil, message: "", kind: .misuse) }
    }
    public mutating func append(binary bytes: [UInt8]) {}
}
