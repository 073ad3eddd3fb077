/// The bindings that a node sees: its own `let`s, then those around it, then the request's parameters.
final class Scope {
    private let parent: Scope?
    private var bindings: [(name: Int, value: Value)]

    init(parent: Scope?, bindings: [(name: Int, value: Value)] = []) {
        self.parent = parent
        self.bindings = bindings
    }

    func bind(_ name: Int, _ value: Value) {
        if let place = bindings.firstIndex(where: { $0.name == name }) {
            bindings[place].value = value
        } else {
            bindings.append((name, value))
        }
    }

    subscript(name: Int) -> Value {
        var scope: Scope? = self
        while let current = scope {
            if let found = current.bindings.first(where: { $0.name == name }) { return found.value }
            scope = current.parent
        }
        return .undefined
    }
}
