public import Basics
internal import CLibpqOnDemand

/// Why a session's work failed. `description` shows neither detail nor SQL: both may hold the rows' data.
public struct PostgresError: Error, Sendable, Equatable {
    public enum Kind: Sendable {
        /// PostgreSQL refused, with its SQLSTATE.
        case server
        /// No connection, or it went away; whether a statement under way has been done is unknown.
        case connection
        /// The time the caller gave was over; the statement was cancelled.
        case timedOut
        /// The caller's task was cancelled, and with it the statement.
        case cancelled
        /// The request can't be sent: a NUL in it, a COPY, a closed session.
        case misuse
    }

    public var kind: Kind
    /// nil when the failure is not the server's word (socket gone, timeout).
    public var sqlState: String?
    public var message: String
    public var detail: String?
    public var hint: String?
    /// ERROR, FATAL or PANIC, not translated.
    public var severity: String?
    /// Of the error in the SQL, counted in characters from 1.
    public var position: Int?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    public var dataType: String?
    /// Where in functions it happened ("where").
    public var context: String?
    /// The server's function that says it.
    public var routine: String?

    /// - Parameter kind: nil = `server` with a SQLSTATE, else `connection`.
    public init(sqlState: String?, message: String, detail: String? = nil, hint: String? = nil, kind: Kind? = nil) {
        self.kind = kind ?? (sqlState == nil ? .connection : .server)
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
    }

    /// For people and the control API.
    /// - Parameter object: the instance's name.
    public func devError(object: String) -> DevError {
        let code: DevErrorCode =
            switch kind {
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .misuse: .internal
            case .server, .connection: .postgres
            }
        return DevError(code, message, object: object, cause: sqlState.map { "SQLSTATE \($0)" }, help: hint)
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String { sqlState.map { "\(message) (\($0))" } ?? message }
}

extension PostgresError {
    /// The fields of an error result.
    init(result: OpaquePointer) {
        // Codes: https://www.postgresql.org/docs/15/protocol-error-fields.html
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue else { return nil }
            return PQresultErrorField(result, Int32(ascii)).map { String(cString: $0) }
        }
        let sqlState = field("C")
        let text = field("M") ?? PostgresError.trimmed(String(cString: PQresultErrorMessage(result)))
        self.init(sqlState: sqlState, message: text.isEmpty ? "the connection is lost" : text, detail: field("D"), hint: field("H"))
        severity = field("V") ?? field("S")
        position = field("P").flatMap { Int($0) }
        schema = field("s")
        table = field("t")
        column = field("c")
        constraint = field("n")
        dataType = field("d")
        context = field("W")
        routine = field("R")
    }

    /// libpq's text about a failed connection. Its API has no SQLSTATE for these, so they are asked for in the
    /// verbose form, `… failed: FATAL:  57P03: the database system is starting up`, whose colon and two spaces
    /// stand there in every language.
    init(connectionText: String) {
        let lines = PostgresError.trimmed(connectionText).split(separator: "\n").map(String.init)
        for (index, line) in lines.enumerated() {
            let bytes = Array(line.utf8)
            guard bytes.count > 10 else { continue }
            for start in 0..<bytes.count - 9 where PostgresError.isCode(bytes[start..<start + 10]) {
                let code = String(decoding: bytes[start + 3..<start + 8], as: UTF8.self)
                let message = String(decoding: bytes[(start + 10)...], as: UTF8.self)
                let rest = lines[(index + 1)...]
                func line(_ label: String) -> String? {
                    rest.first { $0.hasPrefix(label) }.map { String($0.dropFirst(label.count)) }
                }
                self.init(sqlState: code, message: message, detail: line("DETAIL:  "), hint: line("HINT:  "))
                severity = "FATAL"
                return
            }
        }
        self.init(sqlState: nil, message: lines.isEmpty ? "no connection" : lines.joined(separator: "; "))
    }

    /// `:  57P03: `
    private static func isCode(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: Array(":  ".utf8)), bytes.suffix(2).elementsEqual(": ".utf8) else { return false }
        return bytes.dropFirst(3).prefix(5).allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
