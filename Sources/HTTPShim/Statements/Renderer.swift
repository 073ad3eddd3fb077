/// Fills a template (query plan specification §4.2, §4.3).
struct Renderer {
    /// Most parameters of one statement of a chunkable template. PostgreSQL's own limit is 65,535.
    static let chunkLimit = 32_766
    static let hardLimit = 65_535
    /// Two long lists in one statement leave little room to either: each statement repeats the other list whole.
    static let mostChunks = 1000

    let template: SQLTemplate
    /// One per fragment that is no text, evaluated.
    let arguments: [Value]
    var limit = Renderer.chunkLimit

    /// A hole of the template with what goes into it.
    private enum Part {
        case text(String)
        case parameter(Value, ArgumentType)
        case tuple([Value], ArgumentType, prefix: String, separator: String, suffix: String)
        case tupleList([[Value]], ArgumentType, prefix: String, separator: String, suffix: String, groupSeparator: String)

        /// What decides about the text, beside the template.
        var shape: [Int] {
            switch self {
            case .text, .parameter: []
            case .tuple(let values, _, _, _, _): [values.count]
            case .tupleList(let groups, _, _, _, _, _): [groups.count] + groups.map(\.count)
            }
        }

        var parameterCount: Int {
            switch self {
            case .text: 0
            case .parameter: 1
            case .tuple(let values, _, _, _, _): values.count
            case .tupleList(let groups, _, _, _, _, _): groups.reduce(0) { $0 + $1.count }
            }
        }
    }

    /// A statement's text with its placeholders.
    private struct SQLText {
        private(set) var bytes: [UInt8] = []
        private var count = 0
        private let prefix: [UInt8]
        private let hasNumbering: Bool

        init(prefix: String, hasNumbering: Bool) {
            self.prefix = Array(prefix.utf8)
            self.hasNumbering = hasNumbering
        }

        mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

        mutating func placeholder() {
            count += 1
            bytes.append(contentsOf: prefix)
            if hasNumbering { bytes.append(contentsOf: String(count).utf8) }
        }
    }

    /// - Throws: plain failures for malformed templates, P2029 for more parameters than PostgreSQL takes.
    func statements() throws(PlanFailure) -> [Statement] {
        if let text = template.fixedText { return [try fixed(text)] }
        var parts = try parts()
        let total = parts.reduce(0) { $0 + $1.parameterCount }
        guard total > (template.isChunkable ? limit : Renderer.hardLimit) else { return [try render(parts)] }
        // Only the first of the largest is ever split.
        guard template.isChunkable,
            let place = parts.indices.max(by: { (parts[$0].parameterCount, -$0) < (parts[$1].parameterCount, -$1) }),
            let chunks = split(parts[place], room: limit - (total - parts[place].parameterCount)), chunks.count <= Renderer.mostChunks
        else { throw Renderer.tooMany }
        var statements: [Statement] = []
        for chunk in chunks {
            parts[place] = chunk
            let statement = try render(parts)
            guard statement.values.count <= limit else { throw Renderer.tooMany }
            statements.append(statement)
        }
        return statements
    }

    private static let tooMany = PlanFailure.user("P2029", "The query parameter limit supported by your database is exceeded.")

    private func fixed(_ text: String) throws(PlanFailure) -> Statement {
        if template.isRaw {
            let types = arguments.indices.map { $0 < template.types.count ? template.types[$0] : ArgumentType() }
            guard arguments.count <= Renderer.hardLimit else { throw Renderer.tooMany }
            return Statement(sql: text, values: arguments, types: types)
        }
        var count = 0
        for case .parameter in template.fragments { count += 1 }
        guard count <= arguments.count else { throw Renderer.tooFew(arguments.count) }
        guard count <= (template.isChunkable ? limit : Renderer.hardLimit) else { throw Renderer.tooMany }
        return Statement(
            sql: text, values: count == arguments.count ? arguments : Array(arguments.prefix(count)), types: (0..<count).map { type($0) })
    }

    private static func tooFew(_ count: Int) -> PlanFailure {
        .plain("Malformed query template. Fragments attempt to read over \(count) parameters.")
    }

    private func type(_ index: Int) -> ArgumentType { index < template.types.count ? template.types[index] : ArgumentType() }

    private func parts() throws(PlanFailure) -> [Part] {
        var parts: [Part] = []
        var next = 0
        for fragment in template.fragments {
            if case .text(let chunk) = fragment {
                parts.append(.text(chunk))
                continue
            }
            guard next < arguments.count else { throw Renderer.tooFew(arguments.count) }
            let (value, type) = (arguments[next], type(next))
            next += 1
            switch fragment {
            case .text: continue
            case .parameter: parts.append(.parameter(value, type))
            case .tuple(let prefix, let separator, let suffix):
                parts.append(.tuple(value.asList, type, prefix: prefix, separator: separator, suffix: suffix))
            case .tupleList(let prefix, let separator, let suffix, let groupSeparator):
                guard let rows = value.elements else { throw .plain("Malformed query template. Tuple list expected.") }
                guard !rows.isEmpty else { throw .plain("Malformed query template. Tuple list cannot be empty.") }
                var groups: [[Value]] = []
                for row in rows {
                    guard let group = row.elements else { throw .plain("Malformed query template. Tuple expected.") }
                    groups.append(group)
                }
                parts.append(
                    .tupleList(groups, type, prefix: prefix, separator: separator, suffix: suffix, groupSeparator: groupSeparator))
            }
        }
        return parts
    }

    /// nil when it can't be split so that each piece has at most so many parameters.
    private func split(_ part: Part, room: Int) -> [Part]? {
        guard room > 0 else { return nil }
        switch part {
        case .text, .parameter: return nil
        case .tuple(let values, let type, let prefix, let separator, let suffix):
            return stride(from: 0, to: values.count, by: room).map { start in
                .tuple(Array(values[start..<min(start + room, values.count)]), type, prefix: prefix, separator: separator, suffix: suffix)
            }
        case .tupleList(let groups, let type, let prefix, let separator, let suffix, let groupSeparator):
            var chunks: [[[Value]]] = [[]]
            var used = 0
            for group in groups {
                if used > 0, used + group.count > room {
                    chunks.append([])
                    used = 0
                }
                chunks[chunks.count - 1].append(group)
                used += group.count
            }
            return chunks.map {
                .tupleList($0, type, prefix: prefix, separator: separator, suffix: suffix, groupSeparator: groupSeparator)
            }
        }
    }

    private func render(_ parts: [Part]) throws(PlanFailure) -> Statement {
        var statement = Statement(sql: "", values: [], types: [])
        for part in parts {
            switch part {
            case .text: continue
            case .parameter(let value, let type):
                statement.values.append(value)
                statement.types.append(type)
            case .tuple(let values, let type, _, _, _):
                statement.types += try Renderer.types(type, values.count)
                statement.values += values
            case .tupleList(let groups, let type, _, _, _, _):
                statement.types += try Renderer.types(type, groups.reduce(0) { $0 + $1.count })
                for group in groups { statement.values += group }
            }
        }
        let shape = parts.flatMap(\.shape)
        if let last = template.lastRendered, last.shape == shape {
            statement.sql = last.text
        } else {
            statement.sql = text(parts)
            template.lastRendered = (shape, statement.sql)
        }
        return statement
    }

    private func text(_ parts: [Part]) -> String {
        var text = SQLText(prefix: template.placeholderPrefix, hasNumbering: template.hasNumbering)
        for part in parts {
            switch part {
            case .text(let chunk): text.add(chunk)
            case .parameter: text.placeholder()
            case .tuple(let values, _, let prefix, let separator, let suffix):
                text.add("(")
                if values.isEmpty { text.add("NULL") }
                for index in values.indices {
                    if index > 0 { text.add(separator) }
                    text.add(prefix)
                    text.placeholder()
                    text.add(suffix)
                }
                text.add(")")
            case .tupleList(let groups, _, let prefix, let separator, let suffix, let groupSeparator):
                for (row, group) in groups.enumerated() {
                    if row > 0 { text.add(groupSeparator) }
                    text.add(prefix)
                    for index in group.indices {
                        if index > 0 { text.add(separator) }
                        text.placeholder()
                    }
                    text.add(suffix)
                }
            }
        }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// The type of each of so many flattened parameters.
    private static func types(_ type: ArgumentType, _ count: Int) throws(PlanFailure) -> [ArgumentType] {
        guard let elements = type.elements else { return Array(repeating: type, count: count) }
        guard !elements.isEmpty, count % elements.count == 0 else {
            throw .plain(
                "Malformed query template. Expected the number of parameters to match the tuple arity, but got \(count) parameters for a tuple of arity \(elements.count)."
            )
        }
        return (0..<count).map { elements[$0 % elements.count] }
    }
}
