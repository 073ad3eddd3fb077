internal import Basics
internal import PostgresSession

extension DatabaseFailure {
    /// A server that can't be had: its own reason stands in the log, and in `dev status`.
    init(_ error: DevError) {
        self.init(kind: .databaseNotReachable, fields: [JSON.Member("host", .string("\(error.object) (\(error.message))"))])
    }

    /// What PostgreSQL, or the way to it, said (query plan specification §10.2).
    init(_ error: PostgresError) {
        guard let code = error.sqlState else {
            let kind: Kind = error.kind == .timedOut ? .socketTimeout : .connectionClosed
            self.init(kind: kind)
            return
        }
        let message = error.message
        var fields: [JSON.Member] = []
        func add(_ name: String, _ text: String?) {
            if let text { fields.append(JSON.Member(name, .string(text))) }
        }
        let kind: Kind
        switch code {
        case "22001":
            kind = .lengthMismatch
            add("column", error.column)
        case "22003":
            kind = .valueOutOfRange
            add("cause", message)
        case "22P02":
            kind = .invalidInputValue
            add("message", message)
        case "23505":
            kind = .uniqueConstraintViolation
            if let constraint = DatabaseFailure.index(error) ?? DatabaseFailure.keyColumns(error.detail) {
                fields.append(JSON.Member("constraint", constraint))
            }
            add("table", error.table)
        case "23502":
            kind = .nullConstraintViolation
            if let columns = DatabaseFailure.keyColumns(error.detail) { fields.append(JSON.Member("constraint", columns)) }
        case "23503", "23001":
            kind = code == "23503" ? .foreignKeyConstraintViolation : .restrictViolation
            let column = error.column.map { JSON.object([JSON.Member("fields", .array([.string($0)]))]) }
            if let constraint = column ?? DatabaseFailure.index(error) { fields.append(JSON.Member("constraint", constraint)) }
        case "3D000":
            kind = .databaseDoesNotExist
            add("db", DatabaseFailure.quoted(DatabaseFailure.word(1, message)))
        case "28000":
            kind = .databaseAccessDenied
            add("db", DatabaseFailure.quoted(message.split(separator: ",").first { $0.hasPrefix(" database") }.map(String.init)))
        case "28P01":
            kind = .authenticationFailed
            add("user", DatabaseFailure.quoted(message.split(separator: " ").last.map(String.init)))
        case "40001", "40P01": kind = .transactionWriteConflict
        case "42P01":
            kind = .tableDoesNotExist
            add("table", DatabaseFailure.quoted(DatabaseFailure.word(1, message)))
        case "42703":
            kind = .columnNotFound
            add("column", DatabaseFailure.missingColumn(message))
        case "42P04":
            kind = .databaseAlreadyExists
            add("db", DatabaseFailure.quoted(DatabaseFailure.word(1, message)))
        case "53300":
            kind = .tooManyConnections
            add("cause", message)
        default:
            kind = .postgres
            add("code", code)
            add("severity", error.severity)
            add("message", message)
            add("detail", error.detail)
            add("column", error.column)
            add("hint", error.hint)
        }
        self.init(kind: kind, originalCode: code, originalMessage: message, fields: fields)
    }

    private static func index(_ error: PostgresError) -> JSON? {
        error.constraint.map { .object([JSON.Member("index", .string($0))]) }
    }

    /// The columns in a detail's first `Key (a, b)`, as PostgreSQL quotes them.
    private static func keyColumns(_ detail: String?) -> JSON? {
        guard let detail, let start = detail.firstRange(of: "Key (")?.upperBound, let end = detail[start...].firstIndex(of: ")"),
            start < end
        else { return nil }
        var columns: [JSON] = []
        var rest = detail[start..<end]
        while let separator = rest.firstRange(of: ", ") {
            columns.append(.string(String(rest[..<separator.lowerBound])))
            rest = rest[separator.upperBound...]
        }
        columns.append(.string(String(rest)))
        return .object([JSON.Member("fields", .array(columns))])
    }

    /// Words are what stands between single spaces.
    private static func word(_ index: Int, _ text: String) -> String? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        return index < words.count ? String(words[index]) : nil
    }

    /// Between the first two double quotes.
    private static func quoted(_ text: String?) -> String? {
        let parts = text?.split(separator: "\"", omittingEmptySubsequences: false) ?? []
        return parts.count > 1 ? String(parts[1]) : nil
    }

    /// `column "zz" of relation "User" does not exist` → `zz of relation User`
    private static func missingColumn(_ message: String) -> String? {
        let (before, after) = ("column ", " does not exist")
        guard message.hasPrefix(before), message.hasSuffix(after), message.utf8.count > before.utf8.count + after.utf8.count else {
            return nil
        }
        let name = message.dropFirst(before.count).dropLast(after.count)
        var plain = ""
        var isQuoted = false
        var characters = Substring(name)
        while let character = characters.popFirst() {
            guard character == "\"" else {
                plain.append(character)
                continue
            }
            if isQuoted, characters.first == "\"" {
                plain.append("\"")
                characters.removeFirst()
            } else {
                isQuoted.toggle()
            }
        }
        return plain
    }
}
