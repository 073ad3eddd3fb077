/// Keys in the order of their last use, as a doubly linked list over places in an array: each step takes the same short time.
struct Recency {
    typealias Node = Int

    private struct Place {
        var key: CacheKey?
        var before: Node?
        var after: Node?
    }

    private var places: [Place] = []
    private var free: [Node] = []
    private var first: Node?
    private var last: Node?

    var oldest: CacheKey? { first.flatMap { places[$0].key } }

    /// - Returns: where it stands, to be used until it is removed.
    mutating func add(_ key: CacheKey) -> Node {
        let node = free.popLast() ?? places.count
        if node == places.count { places.append(Place()) }
        places[node].key = key
        append(node)
        return node
    }

    mutating func use(_ node: Node) {
        guard node != last else { return }
        unlink(node)
        append(node)
    }

    mutating func remove(_ node: Node) {
        unlink(node)
        places[node].key = nil
        free.append(node)
    }

    private mutating func append(_ node: Node) {
        places[node].before = last
        places[node].after = nil
        if let last { places[last].after = node } else { first = node }
        last = node
    }

    private mutating func unlink(_ node: Node) {
        let (before, after) = (places[node].before, places[node].after)
        if let before { places[before].after = after } else { first = after }
        if let after { places[after].before = before } else { last = before }
    }
}
