/// What a `let` may bind (query plan specification §2.5). Each binding can put the ones before it into a list or a record,
/// twice even: without a bound a small plan could make values that no stack can follow and no memory can hold once they are
/// written out.
enum ValueBounds {
    /// Lists and records within each other; as many again come from the plan around the bindings.
    static let depth = JSONScanner.maximalDepth + 100
    /// Values in all, those that stand at several places counted at each.
    static let size = 5_000_000

    static func check(_ value: Value, size: Int = ValueBounds.size) throws(PlanFailure) {
        var room = size
        guard fits(value, depth, &room) else { throw .plain("A value that the plan binds is too large or nested too deeply") }
    }

    private static func fits(_ value: Value, _ depth: Int, _ room: inout Int) -> Bool {
        switch value {
        case .list(let elements): return fit(elements, depth, &room)
        case .record(let record): return fit(record.values, depth, &room)
        case .rows(let slice):
            for field in slice.set.attached {
                guard fit(field.values[slice.start..<slice.start + slice.count], depth, &room) else { return false }
            }
            return true
        case .row(let row):
            for field in row.set.attached {
                guard fit(CollectionOfOne(field.values[row.index]), depth, &room) else { return false }
            }
            return true
        default: return true
        }
    }

    private static func fit(_ values: some Collection<Value>, _ depth: Int, _ room: inout Int) -> Bool {
        room -= values.count
        guard depth > 0, room >= 0 else { return false }
        for value in values where !fits(value, depth - 1, &room) { return false }
        return true
    }
}
