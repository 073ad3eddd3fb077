/// Values of a plan: placeholders and generator calls become what they stand for (query plan specification §2.2).
extension PlanRun {
    func evaluate(_ argument: Argument, _ scope: Scope) throws(PlanFailure) -> Value {
        switch argument {
        case .constant(let value): return value
        case .placeholder(let name, let isDate):
            let found = scope[name]
            if case .undefined = found { throw .plain("Missing value for query variable \(plan.names[name])") }
            if isDate, case .string(let text) = found, let instant = Instant.parse(text) { return .date(instant) }
            return try resolve(found, scope, depth: 0)
        case .generator(let name, let arguments):
            var values: [Value] = []
            for argument in arguments { values.append(try evaluate(argument, scope)) }
            return try resolve(try generators.call(name, values), scope, depth: 0)
        case .list(let arguments):
            var values: [Value] = []
            values.reserveCapacity(arguments.count)
            for argument in arguments { values.append(try evaluate(argument, scope)) }
            return .list(values)
        }
    }

    /// A parameter may itself hold placeholders, also inside lists.
    private func resolve(_ value: Value, _ scope: Scope, depth: Int) throws(PlanFailure) -> Value {
        switch value {
        case .record(let record):
            guard let type = record["prisma__type"], case .string(let word) = type, word == "param" || word == "generatorCall" else {
                return value
            }
            guard depth < 32 else { throw .plain("A query variable refers to itself") }
            let inner = record["prisma__value"] ?? .null
            if word == "generatorCall" {
                var arguments: [Value] = []
                for argument in inner.field("args")?.elements ?? [] { arguments.append(try resolve(argument, scope, depth: depth + 1)) }
                return try generators.call(inner.field("name").map { ValueText.string($0) } ?? "undefined", arguments)
            }
            let name = inner.field("name").map { ValueText.string($0) } ?? "undefined"
            let found = plan.number(name).map { scope[$0] } ?? unasked[name] ?? .undefined
            if case .undefined = found { throw .plain("Missing value for query variable \(name)") }
            return try resolve(found, scope, depth: depth + 1)
        case .list(let elements):
            // Lists of plain values, the usual ones, are not copied.
            guard elements.contains(where: { if case .record = $0 { true } else if case .list = $0 { true } else { false } }) else {
                return value
            }
            guard depth < 32 else { return value }
            var resolved: [Value] = []
            for element in elements { resolved.append(try resolve(element, scope, depth: depth + 1)) }
            return .list(resolved)
        default: return value
        }
    }
}
