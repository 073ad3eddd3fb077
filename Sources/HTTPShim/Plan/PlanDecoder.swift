/// JSON to plan. Total: what is no plan becomes a plan that fails with the reason when that part is reached, since plans
/// are evaluated lazily and a part that is never reached must not matter.
struct PlanDecoder {
    /// Nodes of one plan; the largest seen has some hundreds.
    static let maximalNodes = 100_000

    private var names: [String] = []
    private var numbers: [String: Int] = [:]
    private var nodeCount = 0

    /// - Throws: a plan with too many nodes.
    static func decode(_ json: JSON) throws(PlanFailure) -> Plan {
        var decoder = PlanDecoder()
        let root = decoder.node(json)
        guard decoder.nodeCount <= maximalNodes else { throw .plain("The plan has more than \(maximalNodes) nodes") }
        return Plan(root: root, names: decoder.names)
    }

    private mutating func number(_ name: String) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    private mutating func node(_ json: JSON?) -> PlanNode {
        nodeCount += 1
        // Past the limit nothing is decoded any more; `decode` says so.
        guard nodeCount <= PlanDecoder.maximalNodes, let json else { return malformed("a node is missing") }
        let type = json["type"]?.string ?? json["type"].map(\.text) ?? "undefined"
        guard let arguments = json["args"] ?? (type == "unit" ? .null : nil) else { return PlanNode(unknownOrIncomplete(type)) }
        return PlanNode(work(type, arguments))
    }

    private func malformed(_ what: String) -> PlanNode { PlanNode(.malformed("Malformed query plan: " + what)) }

    private func unknownOrIncomplete(_ type: String) -> PlanNode.Work {
        .malformed(PlanDecoder.types.contains(type) ? "Malformed query plan: \(type) has no args" : "Unexpected node type: \(type)")
    }

    private static let types: Set<String> = [
        "value", "seq", "get", "let", "getFirstNonEmpty", "query", "execute", "reverse", "sum", "concat", "unique", "required",
        "join", "mapField", "transaction", "dataMap", "validate", "if", "unit", "diff", "initializeRecord", "mapRecord", "process",
    ]

    private mutating func nodes(_ json: JSON?) -> [PlanNode] {
        guard let elements = json?.array else { return [malformed("a list of nodes is missing")] }
        return elements.map { node($0) }
    }

    private mutating func work(_ type: String, _ args: JSON) -> PlanNode.Work {
        switch type {
        case "value": return .value(argument(args))
        case "seq": return .sequence(nodes(args))
        case "get": return .get(number(args["name"]?.string ?? ""))
        case "let":
            let bindings = (args["bindings"]?.array ?? []).map { binding in
                (name: number(binding["name"]?.string ?? ""), node: node(binding["expr"]))
            }
            return .bind(bindings, node(args["expr"]))
        case "getFirstNonEmpty": return .firstNonEmpty((args["names"]?.array ?? []).map { number($0.string ?? "") })
        case "query", "execute":
            switch template(args) {
            case .success(let found): return type == "query" ? .query(found) : .execute(found)
            case .failure(let error): return .malformed(error.message)
            }
        case "reverse": return .reverse(node(args))
        case "sum": return .sum(nodes(args))
        case "concat": return .concat(nodes(args))
        case "unique": return .unique(node(args))
        case "required": return .required(node(args))
        case "join":
            let children = (args["children"]?.array ?? []).map { child($0) }
            return .join(parent: node(args["parent"]), children, strict: args["canAssumeStrictEquality"]?.bool ?? false)
        case "mapField": return .mapField(args["field"]?.string ?? "", node(args["records"]))
        case "transaction": return .transaction(node(args))
        case "dataMap":
            guard let structure = ResultMapDecoder.structure(args["structure"]) else {
                return .malformed("Malformed query plan: not a result structure")
            }
            return .dataMap(node(args["expr"]), ResultMap(structure: structure, enums: ResultMapDecoder.enums(args["enums"])))
        case "validate":
            return .validate(
                node(args["expr"]),
                Validation(
                    rules: (args["rules"]?.array ?? []).map { PlanDecoder.rule($0) },
                    identifier: (args["errorIdentifier"] ?? args["error_identifier"])?.string, context: args["context"] ?? .object([])))
        case "if":
            return .choose(
                node(args["value"]), PlanDecoder.rule(args["rule"] ?? .null), then: node(args["then"]), otherwise: node(args["else"]))
        case "unit": return .unit
        case "diff": return .difference(from: node(args["from"]), to: node(args["to"]), PlanDecoder.strings(args["fields"]) ?? [])
        case "initializeRecord":
            var fields: [(name: String, value: Initializer)] = []
            for member in args["fields"]?.members ?? [] {
                switch member.value["type"]?.string {
                case "value": fields.append((member.key, .value(argument(member.value["value"] ?? .null))))
                case "lastInsertId": fields.append((member.key, .lastInsertId))
                case let word: return .malformed("Unexpected field initializer type: \(word ?? "undefined")")
                }
            }
            return .initializeRecord(node(args["expr"]), fields)
        case "mapRecord":
            var fields: [(name: String, change: FieldChange)] = []
            for member in args["fields"]?.members ?? [] {
                let word = member.value["type"]?.string ?? "undefined"
                guard let kind = FieldChange.Kind(rawValue: word) else { return .malformed("Unexpected field operation type: \(word)") }
                fields.append((member.key, FieldChange(kind: kind, value: argument(member.value["value"] ?? .null))))
            }
            return .mapRecord(node(args["expr"]), fields)
        case "process":
            let expression = node(args["expr"])
            return .process(expression, processing(args["operations"] ?? .object([])))
        default: return .malformed("Unexpected node type: \(type)")
        }
    }

    private mutating func child(_ json: JSON) -> JoinChild {
        let pairs = (json["on"]?.array ?? []).map { $0.array ?? [] }
        return JoinChild(
            node: node(json["child"]), parentFields: pairs.map { $0.first?.string ?? "" },
            childFields: pairs.map { $0.dropFirst().first?.string ?? "" }, parentField: json["parentField"]?.string ?? "",
            isUnique: json["isRelationUnique"]?.bool ?? false)
    }

    private mutating func processing(_ json: JSON) -> Processing {
        var pagination: Processing.Pagination?
        if let page = json.present("pagination") {
            var cursor: [(name: String, value: Argument)]?
            if let members = page["cursor"]?.members { cursor = members.map { ($0.key, argument($0.value)) } }
            pagination = Processing.Pagination(cursor: cursor, take: page["take"]?.integer, skip: page["skip"]?.integer)
        }
        return Processing(
            distinct: PlanDecoder.strings(json["distinct"]), pagination: pagination, reverse: json["reverse"]?.bool ?? false,
            linkingFields: PlanDecoder.strings(json["linkingFields"]),
            nested: (json["nested"]?.members ?? []).map { ($0.key, processing($0.value)) })
    }

    static func strings(_ json: JSON?) -> [String]? { json?.array?.map { $0.string ?? "" } }

    static func rule(_ json: JSON) -> Rule {
        let type = json["type"]?.string ?? "undefined"
        var count = Double.nan
        if case .number(let lexeme)? = json["args"] { count = Double(lexeme) ?? .nan }
        return switch type {
        case "rowCountEq": .rowCountEqual(count)
        case "rowCountNeq": .rowCountNotEqual(count)
        case "affectedRowCountEq": .affectedRowCountEqual(count)
        case "never": .never
        default: .unknown(type)
        }
    }

    // MARK: Values

    /// A Prisma value. Objects that are neither placeholders nor calls are constants and not looked into (§2.2).
    mutating func argument(_ json: JSON) -> Argument {
        switch json {
        case .array(let elements):
            let arguments = elements.map { argument($0) }
            var constants: [Value] = []
            for case .constant(let value) in arguments { constants.append(value) }
            return constants.count == arguments.count ? .constant(.list(constants)) : .list(arguments)
        case .object:
            let value = json["prisma__value"] ?? .null
            switch json["prisma__type"]?.string {
            case "param":
                return .placeholder(name: number(value["name"]?.string ?? ""), isDate: value["type"]?.string == "DateTime")
            case "generatorCall":
                return .generator(value["name"]?.string ?? "undefined", (value["args"]?.array ?? []).map { argument($0) })
            default: return .constant(Value(json))
            }
        default: return .constant(Value(json))
        }
    }

    // MARK: SQL

    private struct Unreadable: Error {
        var message = "Malformed query plan: not a query"
    }

    private mutating func template(_ json: JSON) -> Result<SQLTemplate, Unreadable> {
        let arguments = (json["args"]?.array ?? []).map { argument($0) }
        let types = (json["argTypes"]?.array ?? []).map { PlanDecoder.argumentType($0) }
        if json["type"]?.string == "rawSql" {
            guard let sql = json["sql"]?.string else { return .failure(Unreadable()) }
            return .success(SQLTemplate(isRaw: true, fragments: [.text(sql)], arguments: arguments, types: types))
        }
        guard json["type"]?.string == "templateSql", let parts = json["fragments"]?.array else { return .failure(Unreadable()) }
        var fragments: [SQLTemplate.Fragment] = []
        for part in parts {
            let (prefix, suffix) = (part["itemPrefix"]?.string ?? "", part["itemSuffix"]?.string ?? "")
            let separator = part["itemSeparator"]?.string ?? ","
            switch part["type"]?.string {
            case "stringChunk": fragments.append(.text(part["chunk"]?.string ?? ""))
            case "parameter": fragments.append(.parameter)
            case "parameterTuple": fragments.append(.tuple(prefix: prefix, separator: separator, suffix: suffix))
            case "parameterTupleList":
                fragments.append(
                    .tupleList(
                        prefix: part["itemPrefix"]?.string ?? "(", separator: separator, suffix: part["itemSuffix"]?.string ?? ")",
                        groupSeparator: part["groupSeparator"]?.string ?? ","))
            case let word: return .failure(Unreadable(message: "Malformed query plan: unexpected fragment type: \(word ?? "undefined")"))
            }
        }
        let format = json["placeholderFormat"]
        return .success(
            SQLTemplate(
                isRaw: false, fragments: fragments, arguments: arguments, types: types, placeholderPrefix: format?["prefix"]?.string ?? "$",
                hasNumbering: format?["hasNumbering"]?.bool ?? true, isChunkable: json["chunkable"]?.bool ?? false))
    }

    static func argumentType(_ json: JSON) -> ArgumentType {
        var type = ArgumentType()
        type.isList = json["arity"]?.string == "list"
        type.databaseType = json["dbType"]?.string
        switch json["scalarType"]?.string {
        case "datetime": type.scalar = .datetime
        case "bytes": type.scalar = .bytes
        default: type.scalar = .other
        }
        if json["arity"]?.string == "tuple" { type.elements = (json["elements"]?.array ?? []).map { argumentType($0) } }
        return type
    }
}
