/// A query plan, decoded once and then only read (query plan specification §3). Names of bindings and parameters are
/// numbers, given in the order they come.
final class Plan {
    let root: PlanNode
    /// By the number of each name.
    let names: [String]
    private let numbers: [String: Int]

    init(root: PlanNode, names: [String]) {
        self.root = root
        self.names = names
        numbers = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// nil for a name that the plan never asks for.
    func number(_ name: String) -> Int? { numbers[name] }
}

final class PlanNode {
    indirect enum Work {
        case value(Argument)
        case sequence([PlanNode])
        case get(Int)
        case bind([(name: Int, node: PlanNode)], PlanNode)
        case firstNonEmpty([Int])
        case query(SQLTemplate)
        case execute(SQLTemplate)
        case reverse(PlanNode)
        case sum([PlanNode])
        case concat([PlanNode])
        case unique(PlanNode)
        case required(PlanNode)
        case join(parent: PlanNode, [JoinChild], strict: Bool)
        case mapField(String, PlanNode)
        case transaction(PlanNode)
        case dataMap(PlanNode, ResultMap)
        case validate(PlanNode, Validation)
        case choose(PlanNode, Rule, then: PlanNode, otherwise: PlanNode)
        case unit
        case difference(from: PlanNode, to: PlanNode, [String])
        case initializeRecord(PlanNode, [(name: String, value: Initializer)])
        case mapRecord(PlanNode, [(name: String, change: FieldChange)])
        case process(PlanNode, Processing)
        /// Fails when it is reached, as a plan's author would see it upstream: an unknown type, a part missing.
        case malformed(String)
    }

    let work: Work
    init(_ work: Work) { self.work = work }
}

struct JoinChild {
    let node: PlanNode
    let parentFields: [String]
    let childFields: [String]
    let parentField: String
    let isUnique: Bool
}

enum Initializer {
    case value(Argument)
    /// Always undefined on PostgreSQL.
    case lastInsertId
}

struct FieldChange {
    enum Kind: String {
        case set, add, subtract, multiply, divide
    }
    let kind: Kind
    let value: Argument
}

/// What `process` does to rows in memory (§5.2).
struct Processing {
    struct Pagination {
        let cursor: [(name: String, value: Argument)]?
        let take: Int?
        let skip: Int?
    }
    let distinct: [String]?
    let pagination: Pagination?
    let reverse: Bool
    let linkingFields: [String]?
    let nested: [(name: String, Processing)]
}

/// A Prisma value of a plan (§2.1).
indirect enum Argument {
    case constant(Value)
    case placeholder(name: Int, isDate: Bool)
    case generator(String, [Argument])
    case list([Argument])
}

/// One SQL statement with holes (§4).
final class SQLTemplate {
    enum Fragment {
        case text(String)
        case parameter
        case tuple(prefix: String, separator: String, suffix: String)
        case tupleList(prefix: String, separator: String, suffix: String, groupSeparator: String)
    }

    let isRaw: Bool
    let fragments: [Fragment]
    let arguments: [Argument]
    let types: [ArgumentType]
    let placeholderPrefix: String
    let hasNumbering: Bool
    let isChunkable: Bool
    /// The text, when it is the same for all arguments.
    let fixedText: String?
    /// The text that was rendered last, and for how many parameters of each hole: lists are often as long as before.
    var lastRendered: (shape: [Int], text: String)?
    /// Columns of the last result: the same statement has mostly the same ones.
    var lastColumns: ResultColumns?

    init(
        isRaw: Bool, fragments: [Fragment], arguments: [Argument], types: [ArgumentType], placeholderPrefix: String = "$",
        hasNumbering: Bool = true, isChunkable: Bool = false
    ) {
        self.isRaw = isRaw
        self.fragments = fragments
        self.arguments = arguments
        self.types = types
        self.placeholderPrefix = placeholderPrefix
        self.hasNumbering = hasNumbering
        self.isChunkable = isChunkable
        fixedText = SQLTemplate.fixedText(fragments, placeholderPrefix, hasNumbering)
    }

    private static func fixedText(_ fragments: [Fragment], _ prefix: String, _ hasNumbering: Bool) -> String? {
        var text = ""
        var number = 0
        for fragment in fragments {
            switch fragment {
            case .text(let chunk): text += chunk
            case .parameter:
                number += 1
                text += hasNumbering ? prefix + String(number) : prefix
            case .tuple, .tupleList: return nil
            }
        }
        return text
    }
}

/// How an argument is bound (§4.5). Of all scalar types only two make a difference.
struct ArgumentType: Equatable {
    enum Scalar {
        case datetime, bytes, other
    }
    var scalar: Scalar = .other
    var isList = false
    /// Upper case, as `TIMESTAMP`.
    var databaseType: String?
    /// Of a tuple: its elements' types.
    var elements: [ArgumentType]?
}

/// A test on data (§10.4).
enum Rule {
    case rowCountEqual(Double)
    case rowCountNotEqual(Double)
    case affectedRowCountEqual(Double)
    case never
    case unknown(String)
}

struct Validation {
    let rules: [Rule]
    let identifier: String?
    /// Becomes `meta`, word for word.
    let context: JSON
}
