internal import PostgresSession

/// One run of a plan. Confined to the loop.
final class PlanRun {
    let plan: Plan
    var generators: Generators
    /// ` /*…*/` behind every statement.
    private let comment: String
    private let database: any PlanDatabase
    /// Parameters that the plan does not name; others may.
    private(set) var unasked: [String: Value] = [:]

    init(plan: Plan, database: any PlanDatabase, comment: String = "", chance: Chance) {
        self.plan = plan
        self.database = database
        self.comment = comment
        generators = Generators(chance: chance)
    }

    /// - Parameter parameters: by name; names that neither the plan nor another parameter asks for don't matter.
    func run(_ parameters: [(name: String, value: Value)]) async throws(PlanFailure) -> Value {
        var bindings: [(name: Int, value: Value)] = []
        for (name, value) in parameters {
            if let number = plan.number(name) { bindings.append((number, value)) } else { unasked[name] = value }
        }
        return try await evaluate(plan.root, Scope(parent: nil, bindings: bindings), database)
    }

    /// - Parameter database: where statements go: a session out of the pool for each, or a transaction's.
    func evaluate(_ node: PlanNode, _ scope: Scope, _ database: any PlanDatabase) async throws(PlanFailure) -> Value {
        switch node.work {
        case .value(let argument): return try evaluate(argument, scope)
        case .get(let name): return scope[name]
        case .unit: return .undefined
        case .malformed(let message): throw .plain(message)
        case .firstNonEmpty(let names): return names.lazy.map { scope[$0] }.first { !$0.isEmpty } ?? .list([])
        case .sequence(let nodes):
            var last = Value.undefined
            for node in nodes { last = try await evaluate(node, scope, database) }
            return last
        case .bind(let bindings, let node):
            let inner = Scope(parent: scope)
            for binding in bindings {
                let value = try await evaluate(binding.node, inner, database)
                try ValueBounds.check(value)
                inner.bind(binding.name, value)
            }
            return try await evaluate(node, inner, database)
        case .query(let template): return try await query(template, scope, database)
        case .execute(let template):
            var count = 0
            try await send(template, scope, database) { result in count += result?.affectedRows ?? 0 }
            return .int(Int64(count))
        case .transaction(let node):
            if database.isTransaction { return try await evaluate(node, scope, database) }
            return try await database.transaction { database async throws(PlanFailure) in
                try await self.evaluate(node, scope, database)
            }
        case .choose(let value, let rule, let then, let otherwise):
            let holds = try Validator.holds(rule, try await evaluate(value, scope, database))
            return try await evaluate(holds ? then : otherwise, scope, database)
        case .join(let parent, let children, let strict):
            let value = try await evaluate(parent, scope, database)
            if case .null = value.plain { return .null }
            var values: [(JoinChild, Value)] = []
            for child in children { values.append((child, try await evaluate(child.node, scope, database))) }
            return try Join.attach(value, values, strict: strict)
        case .sum(let nodes):
            var parts: [Value] = []
            for node in nodes { parts.append(try await evaluate(node, scope, database)) }
            return try PureNodes.sum(parts)
        case .concat(let nodes):
            var elements: [Value] = []
            for node in nodes { elements += try await evaluate(node, scope, database).asList }
            return .list(elements)
        case .difference(let from, let to, let fields):
            let left = try await evaluate(from, scope, database)
            return try PureNodes.difference(left, try await evaluate(to, scope, database), fields)
        case .unique(let node): return try PureNodes.unique(try await evaluate(node, scope, database))
        case .required(let node):
            let value = try await evaluate(node, scope, database)
            guard !value.isEmpty else { throw .plain("Required value is empty") }
            return value
        case .reverse(let node): return PureNodes.reversed(try await evaluate(node, scope, database))
        case .mapField(let field, let node): return PureNodes.mapField(field, try await evaluate(node, scope, database))
        case .dataMap(let node, let map): return .mapped(try DataMapper.map(try await evaluate(node, scope, database), map))
        case .validate(let node, let validation):
            let value = try await evaluate(node, scope, database)
            for rule in validation.rules where try !Validator.holds(rule, value) { throw Validator.failure(validation, value) }
            return value
        case .initializeRecord(let node, let fields):
            _ = try await evaluate(node, scope, database)
            var record = Record([])
            for (name, initializer) in fields {
                if case .value(let argument) = initializer {
                    record.set(name, try evaluate(argument, scope))
                } else {
                    record.set(name, .undefined)
                }
            }
            return .record(record)
        case .mapRecord(let node, let fields):
            let value = try await evaluate(node, scope, database)
            var changes: [(name: String, kind: FieldChange.Kind, value: Value)] = []
            for (name, change) in fields { changes.append((name, change.kind, try evaluate(change.value, scope))) }
            return try PureNodes.mapRecord(value, changes)
        case .process(let node, let operations):
            let value = try await evaluate(node, scope, database)
            return try processing(operations, scope).applied(to: value)
        }
    }

    private func processing(_ operations: Processing, _ scope: Scope) throws(PlanFailure) -> ProcessOperator {
        var cursor: [(name: String, value: Value)]?
        if let members = operations.pagination?.cursor {
            var values: [(name: String, value: Value)] = []
            for member in members { values.append((member.name, try evaluate(member.value, scope))) }
            cursor = values
        }
        var nested: [(name: String, ProcessOperator)] = []
        for (name, inner) in operations.nested { nested.append((name, try processing(inner, scope))) }
        return ProcessOperator(
            distinct: operations.distinct, cursor: cursor, take: operations.pagination?.take, skip: operations.pagination?.skip,
            hasPagination: operations.pagination != nil, reverse: operations.reverse, linkingFields: operations.linkingFields,
            nested: nested)
    }

    // MARK: SQL

    private func query(_ template: SQLTemplate, _ scope: Scope, _ database: any PlanDatabase) async throws(PlanFailure) -> Value {
        var sets: [RowSet] = []
        try await send(template, scope, database) { result throws(PlanFailure) in
            guard let result else {
                throw .plain("Several statements at once give no rows: send them one by one, or with $executeRaw")
            }
            if let last = template.lastColumns, last.fit(result) {
                sets.append(RowSet(columns: last, result: result))
            } else {
                let columns = try ResultColumns(result, isRaw: template.isRaw)
                template.lastColumns = columns
                sets.append(RowSet(columns: columns, result: result))
            }
        }
        guard let first = sets.first else { return .list([]) }
        if template.isRaw { return .raw(RawTable(first)) }
        // Rows of several chunks are of several results.
        return sets.count == 1 ? .rows(RowSlice(first)) : .list(sets.flatMap { Value.rows(RowSlice($0)).asList })
    }

    /// Sends the statement, or the chunks of it: those all or none (§4.3).
    /// - Parameter take: gets each chunk's result in order; nil for several statements in one text.
    private func send(
        _ template: SQLTemplate, _ scope: Scope, _ database: any PlanDatabase, _ take: (ResultView?) throws(PlanFailure) -> Void
    ) async throws(PlanFailure) {
        var arguments: [Value] = []
        arguments.reserveCapacity(template.arguments.count)
        for argument in template.arguments { arguments.append(try evaluate(argument, scope)) }
        var statements = try Renderer(template: template, arguments: arguments).statements()
        if !comment.isEmpty { for index in statements.indices { statements[index].sql += comment } }
        if statements.count > 1, !database.isTransaction {
            var results: [ResultView?] = []
            try await database.transaction { database async throws(PlanFailure) in
                for statement in statements { results.append(try await database.send(statement, isRaw: template.isRaw)) }
                return Value.undefined
            }
            for result in results { try take(result) }
        } else {
            for statement in statements { try take(try await database.send(statement, isRaw: template.isRaw)) }
        }
    }
}
