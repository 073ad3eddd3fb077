internal import Basics
internal import PostgresSession

/// Values to parameters as Prisma's adapter and node-postgres send them (query plan specification §4.5): text without types,
/// so that PostgreSQL infers them; bytes in binary form.
enum Binder {
    /// - Throws: 22021 for a NUL in a text.
    static func parameters(_ statement: Statement) throws(PlanFailure) -> Parameters {
        var parameters = Parameters(expecting: statement.values.count)
        for (value, type) in zip(statement.values, statement.types) {
            do throws(PostgresError) {
                try append(value, type, to: &parameters)
            } catch {
                throw DatabaseFailure.noNUL.failure(isRaw: false)
            }
        }
        return parameters
    }

    private static func append(_ value: Value, _ type: ArgumentType, to parameters: inout Parameters) throws(PostgresError) {
        switch value.plain {
        case .null, .undefined: parameters.appendNull()
        case .string(let text) where type.scalar == .bytes && !type.isList: parameters.append(binary: Base64.decode(text.utf8))
        case .bytes(let bytes): parameters.append(binary: bytes)
        case .list, .rows: try parameters.append(text: literal(value.asList, type.isList ? type : nil))
        default: try parameters.append(text: text(value, type))
        }
    }

    /// What is no list, as text.
    private static func text(_ value: Value, _ type: ArgumentType?) -> String {
        switch value {
        case .string(let text):
            guard type?.scalar == .datetime else { return text }
            // What is no date fails in PostgreSQL, which names it.
            return Instant.parse(text).map { date($0, type) } ?? text
        case .date(let milliseconds): return date(milliseconds, type)
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return String(value)
        case .double(let value): return JSNumber.text(value)
        case .numeric(let lexeme): return JSNumber.canonical(lexeme)
        default:
            var writer = JSONWriter()
            ValueWriter.write(value, into: &writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    private static func date(_ milliseconds: Int64, _ type: ArgumentType?) -> String {
        let parts = Instant.parts(milliseconds)
        // node-postgres pads the year and leaves its sign; PostgreSQL wants an era.
        let year = parts.year > 0 ? parts.year : 1 - parts.year
        let era = parts.year > 0 ? "" : " BC"
        let day = "\(Instant.padded(year, 4))-\(Instant.padded(parts.month, 2))-\(Instant.padded(parts.day, 2))"
        return switch type?.databaseType {
        case "DATE"?: day + era
        case "TIME"?, "TIMETZ"?: Instant.time(parts, always: false)
        default: "\(day) \(Instant.time(parts, always: false))\(era)"
        }
    }

    /// - Parameter type: nil: elements as they are.
    private static func literal(_ elements: [Value], _ type: ArgumentType?) -> String {
        var elementType = type
        // The elements of `DATE[]` get the full time, which PostgreSQL takes.
        elementType?.databaseType = type?.databaseType.flatMap { $0.hasSuffix("[]") ? nil : $0 }
        var literal = "{"
        for (index, element) in elements.enumerated() {
            if index > 0 { literal += "," }
            switch element.plain {
            case .null, .undefined: literal += "NULL"
            case .list, .rows: literal += Binder.literal(element.asList, type)
            case .bytes(let bytes): literal += "\\\\x" + Hexadecimal.encode(bytes)
            case .string(let text) where type?.scalar == .bytes: literal += "\\\\x" + Hexadecimal.encode(Base64.decode(text.utf8))
            case let scalar: quote(text(scalar, elementType), into: &literal)
            }
        }
        return literal + "}"
    }

    private static func quote(_ text: String, into literal: inout String) {
        literal += "\""
        for character in text.unicodeScalars {
            if character == "\\" || character == "\"" { literal += "\\" }
            literal.unicodeScalars.append(character)
        }
        literal += "\""
    }
}
