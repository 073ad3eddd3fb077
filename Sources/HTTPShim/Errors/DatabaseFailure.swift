internal import PostgresSession

/// A failure of the database as Prisma's driver adapter classifies it (query plan specification §10).
struct DatabaseFailure: Equatable {
    enum Kind: String {
        case authenticationFailed = "AuthenticationFailed"
        case databaseNotReachable = "DatabaseNotReachable"
        case databaseDoesNotExist = "DatabaseDoesNotExist"
        case socketTimeout = "SocketTimeout"
        case databaseAlreadyExists = "DatabaseAlreadyExists"
        case databaseAccessDenied = "DatabaseAccessDenied"
        case tlsConnectionError = "TlsConnectionError"
        case connectionClosed = "ConnectionClosed"
        case lengthMismatch = "LengthMismatch"
        case uniqueConstraintViolation = "UniqueConstraintViolation"
        case foreignKeyConstraintViolation = "ForeignKeyConstraintViolation"
        case restrictViolation = "RestrictViolation"
        case invalidInputValue = "InvalidInputValue"
        case unsupportedNativeDataType = "UnsupportedNativeDataType"
        case nullConstraintViolation = "NullConstraintViolation"
        case valueOutOfRange = "ValueOutOfRange"
        case tableDoesNotExist = "TableDoesNotExist"
        case columnNotFound = "ColumnNotFound"
        case transactionWriteConflict = "TransactionWriteConflict"
        case tooManyConnections = "TooManyConnections"
        /// Not classified: its SQLSTATE says all.
        case postgres = "postgres"
    }

    var kind: Kind
    var originalCode: String?
    var originalMessage: String?
    /// The kind's own fields, in the adapter's order.
    var fields: [JSON.Member] = []

    /// The text of a field.
    private subscript(name: String) -> String? { fields.first { $0.key == name }?.value.string }

    static func unsupported(type: String) -> DatabaseFailure {
        DatabaseFailure(kind: .unsupportedNativeDataType, fields: [JSON.Member("type", .string(type))])
    }

    /// A parameter that libpq would cut at its NUL: what PostgreSQL says of such a text.
    static let noNUL = DatabaseFailure(
        PostgresError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00"))

    // MARK: As the client sees it

    /// `{"name":"DriverAdapterError","cause":{…}}`
    private var driverAdapterError: JSON {
        var cause: [JSON.Member] = []
        if let originalCode { cause.append(JSON.Member("originalCode", .string(originalCode))) }
        if let originalMessage { cause.append(JSON.Member("originalMessage", .string(originalMessage))) }
        cause.append(JSON.Member("kind", .string(kind.rawValue)))
        return .object([JSON.Member("name", .string("DriverAdapterError")), JSON.Member("cause", .object(cause + fields))])
    }

    /// - Parameter isRaw: of a rawSql statement: always P2010.
    func failure(isRaw: Bool) -> PlanFailure {
        var meta = [JSON.Member("driverAdapterError", driverAdapterError)]
        if let table = self["table"], kind == .uniqueConstraintViolation, !isRaw { meta.append(JSON.Member("table", .string(table))) }
        let (code, text) =
            isRaw
            ? ("P2010", "Raw query failed. Code: `\(originalCode ?? "N/A")`. Message: `\(originalMessage ?? message.text)`")
            : message
        return Redaction.applied(to: .user(code, text, meta: .object(meta)))
    }

    /// Prisma's code and words (§10.3).
    private var message: (code: String, text: String) {
        func name(_ field: String) -> String { self[field] ?? "(not available)" }
        switch kind {
        case .authenticationFailed:
            return (
                "P1000",
                "Authentication failed against the database server, the provided database credentials for `\(name("user"))` are not valid"
            )
        case .databaseNotReachable:
            let port = fields.first { $0.key == "port" }.map { ":" + $0.value.text } ?? ""
            return ("P1001", "Can't reach database server" + (self["host"].map { " at " + $0 + port } ?? ""))
        case .databaseDoesNotExist: return ("P1003", "Database `\(name("db"))` does not exist on the database server")
        case .socketTimeout: return ("P1008", "Operation has timed out")
        case .databaseAlreadyExists: return ("P1009", "Database `\(name("db"))` already exists on the database server")
        case .databaseAccessDenied: return ("P1010", "User was denied access on the database `\(name("db"))`")
        case .tlsConnectionError: return ("P1011", "Error opening a TLS connection: \(name("reason"))")
        case .connectionClosed: return ("P1017", "Server has closed the connection.")
        case .lengthMismatch:
            return ("P2000", "The provided value for the column is too long for the column's type. Column: \(name("column"))")
        case .uniqueConstraintViolation: return ("P2002", "Unique constraint failed on the \(constraint)")
        case .foreignKeyConstraintViolation, .restrictViolation:
            return ("P2003", "Foreign key constraint violated on the \(constraint)")
        case .invalidInputValue: return ("P2007", "Invalid input value: \(name("message"))")
        case .unsupportedNativeDataType:
            return (
                "P2010",
                "Failed to deserialize column of type '\(name("type"))'. If you're using $queryRaw and this column is explicitly marked as `Unsupported` in your Prisma schema, try casting this column to any supported Prisma type such as `String`."
            )
        case .nullConstraintViolation: return ("P2011", "Null constraint violation on the \(constraint)")
        case .valueOutOfRange: return ("P2020", "Value out of range for the type: \(name("cause"))")
        case .tableDoesNotExist: return ("P2021", "The table `\(name("table"))` does not exist in the current database.")
        case .columnNotFound: return ("P2022", "The column `\(name("column"))` does not exist in the current database.")
        case .transactionWriteConflict:
            return ("P2034", "Transaction failed due to a write conflict or a deadlock. Please retry your transaction")
        case .tooManyConnections: return ("P2037", "Too many database connections opened: \(name("cause"))")
        case .postgres: return ("P2039", "Database error. Code: `\(originalCode ?? "N/A")`. Message: `\(originalMessage ?? "")`")
        }
    }

    private var constraint: String {
        guard let constraint = fields.first(where: { $0.key == "constraint" })?.value else { return "(not available)" }
        if let columns = constraint["fields"]?.array {
            return "fields: (" + columns.map { "`\($0.string ?? "")`" }.joined(separator: ", ") + ")"
        }
        return constraint["index"]?.string.map { "constraint: `\($0)`" } ?? "(not available)"
    }
}
