internal import Basics
internal import PostgresSession

/// A failure as the drivers read it (specification of the drivers §7).
enum DriverFailure {
    /// `{"error":{…}}`, all fields strings; without `severity` the adapter takes none for a database's.
    static func write(_ error: PostgresError, into writer: inout JSONWriter) {
        let code: String
        switch error.kind {
        case .server, .misuse: code = error.sqlState ?? "XX000"
        case .connection: code = error.sqlState ?? "08006"
        case .timedOut, .cancelled: code = error.sqlState ?? "57014"
        }
        let fields: [(String, String?)] = [
            ("severity", error.severity ?? (error.kind == .connection ? "FATAL" : "ERROR")), ("code", code),
            ("message", Redaction.text(error.message)), ("detail", error.detail), ("hint", error.hint),
            ("position", error.position.map { String($0) }), ("where", error.context), ("schema", error.schema), ("table", error.table),
            ("column", error.column), ("dataType", error.dataType), ("constraint", error.constraint), ("routine", error.routine),
        ]
        writer.raw("{\"error\":{")
        var isFirst = true
        for case (let name, let value?) in fields {
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            isFirst = false
            writer.string(name)
            writer.byte(UInt8(ascii: ":"))
            writer.string(value)
        }
        writer.raw("}}")
    }

    /// The server could not be woken, and the like.
    static func connecting(_ error: DevError) -> PostgresError {
        var text = error.message
        if let cause = error.cause { text += ": \(cause)" }
        return PostgresError(sqlState: "08001", message: text, hint: error.help, kind: .connection)
    }
}
