/// Names in their order, shared by all records of a kind.
final class Shape: Sendable {
    let names: [String]
    private let positions: [String: Int]

    /// - Parameter names: unique.
    init(_ names: [String]) {
        self.names = names
        positions = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func position(_ name: String) -> Int? { positions[name] }
}

/// An ordered map from names to values.
struct Record {
    private(set) var shape: Shape
    private(set) var values: [Value]

    init(shape: Shape, values: [Value]) {
        self.shape = shape
        self.values = values
    }

    /// Of a name that comes twice the last value counts, at the first place.
    init(_ members: [(String, Value)]) {
        var names: [String] = []
        var values: [Value] = []
        var positions: [String: Int] = [:]
        for (name, value) in members {
            if let position = positions[name] {
                values[position] = value
            } else {
                positions[name] = names.count
                names.append(name)
                values.append(value)
            }
        }
        self.init(shape: Shape(names), values: values)
    }

    subscript(name: String) -> Value? { shape.position(name).map { values[$0] } }

    mutating func set(_ name: String, _ value: Value) {
        if let position = shape.position(name) {
            values[position] = value
        } else {
            shape = Shape(shape.names + [name])
            values.append(value)
        }
    }

    var members: [(String, Value)] { Array(zip(shape.names, values)) }
}
