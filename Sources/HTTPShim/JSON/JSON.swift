/// A JSON text as a tree that keeps what Prisma's protocol needs and Foundation loses: the order of keys and the digits of
/// numbers (query plan specification §0.1).
enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// As it was written.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Equatable, Sendable {
        var key: String
        var value: JSON
        init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// The member of that name; the last one counts, as in JavaScript. nil when there is none, and for what is no object.
    subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// As `subscript`, with null and absent alike.
    func present(_ key: String) -> JSON? {
        guard let value = self[key], value != .null else { return nil }
        return value
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }
    var array: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }
    var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }
    /// nil for a number that is no integer, or larger than an Int.
    var integer: Int? {
        guard case .number(let lexeme) = self else { return nil }
        return Int(lexeme) ?? Double(lexeme).flatMap { Int(exactly: $0) }
    }

    /// JavaScript's word for the kind.
    var kind: String {
        switch self {
        case .null, .array, .object: "object"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        }
    }
}

extension JSON {
    /// Compact, as `JSON.stringify` writes it: numbers by JavaScript's rules.
    var text: String {
        var writer = JSONWriter()
        writer.json(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
