extension Plan {
    /// Nothing in it can change anything or differ from run to run: only then may its answer be kept. By what is in the plan: the
    /// operation that a request names is not what is run.
    var onlyReads: Bool { root.onlyReads }
}

extension PlanNode {
    fileprivate var onlyReads: Bool {
        switch work {
        case .value(let argument): argument.isSettled
        case .get, .firstNonEmpty, .unit: true
        case .sequence(let nodes), .sum(let nodes), .concat(let nodes): nodes.allSatisfy(\.onlyReads)
        case .bind(let bindings, let node): bindings.allSatisfy(\.node.onlyReads) && node.onlyReads
        case .query(let template): template.onlyReads
        case .reverse(let node), .unique(let node), .required(let node), .mapField(_, let node), .dataMap(let node, _),
            .validate(let node, _), .process(let node, _):
            node.onlyReads
        case .join(let parent, let children, _): parent.onlyReads && children.allSatisfy(\.node.onlyReads)
        case .choose(let node, _, let then, let otherwise): node.onlyReads && then.onlyReads && otherwise.onlyReads
        case .difference(let from, let to, _): from.onlyReads && to.onlyReads
        case .execute, .transaction, .initializeRecord, .mapRecord, .malformed: false
        }
    }
}

extension Argument {
    /// No generator in it, except the products of lists, which come out the same each time.
    fileprivate var isSettled: Bool {
        switch self {
        case .constant, .placeholder: true
        case .generator(let name, let arguments): name == "product" && arguments.allSatisfy(\.isSettled)
        case .list(let elements): elements.allSatisfy(\.isSettled)
        }
    }
}

extension SQLTemplate {
    /// Compiled, and a SELECT: what writes and returns rows is a query too.
    fileprivate var onlyReads: Bool {
        guard !isRaw, arguments.allSatisfy(\.isSettled), case .text(let start)? = fragments.first else { return false }
        return start.drop { $0 == " " || $0 == "\n" }.prefix(7).uppercased() == "SELECT "
    }
}
