import Testing

@testable import HTTPShim

/// The worked examples of the query plan specification, §4.2 and §4.3.
@Suite struct RendererTests {
    private static func integers(_ range: Range<Int64>) -> Value { .list(range.map { .int($0) }) }

    private func render(
        _ fragments: [SQLTemplate.Fragment], _ arguments: [Value], types: [ArgumentType] = [], chunkable: Bool = true, limit: Int = 10
    ) throws -> [Statement] {
        let template = SQLTemplate(isRaw: false, fragments: fragments, arguments: [], types: types, isChunkable: chunkable)
        return try Renderer(template: template, arguments: arguments, limit: limit).statements()
    }

    private static let tuple = SQLTemplate.Fragment.tuple(prefix: "", separator: ",", suffix: "")
    private static let list = SQLTemplate.Fragment.tupleList(prefix: "(", separator: ",", suffix: ")", groupSeparator: ",")

    @Test func placeholdersAreNumberedThroughAllFragments() throws {
        let fragments: [SQLTemplate.Fragment] = [.text("… IN "), Self.tuple, .text(" OFFSET "), .parameter]
        #expect(try render(fragments, [Self.integers(1..<4), .int(0)]).map(\.sql) == ["… IN ($1,$2,$3) OFFSET $4"])
        #expect(try render(fragments, [.list([]), .int(0)]).map(\.sql) == ["… IN (NULL) OFFSET $1"])
        #expect(try render(fragments, [.int(1), .int(0)]).map(\.sql) == ["… IN ($1) OFFSET $2"])
    }

    @Test func prefixesWrapItemsOfTuplesAndGroupsOfLists() throws {
        let lower = SQLTemplate.Fragment.tuple(prefix: "LOWER(", separator: ", ", suffix: ")")
        #expect(try render([lower], [Self.integers(1..<3)]).map(\.sql) == ["(LOWER($1), LOWER($2))"])
        #expect(try render([Self.list], [.list([Self.integers(1..<3), Self.integers(3..<5)])]).map(\.sql) == ["($1,$2),($3,$4)"])
    }

    @Test func theLargestFragmentIsSplit() throws {
        let scalars: [SQLTemplate.Fragment] = [.parameter, Self.tuple, .parameter]
        #expect(try render(scalars, [.int(1), Self.integers(0..<10), .int(2)]).map(\.values.count) == [10, 4])
        #expect(try render([Self.tuple, Self.tuple], [Self.integers(0..<10), Self.integers(0..<4)]).map(\.values.count) == [10, 8])
        let pairs = Value.list((0..<5).map { _ in Self.integers(0..<2) })
        #expect(
            try render([.parameter, Self.list, .parameter, .parameter], [.bool(false), pairs, .int(1), .int(2)]).map(\.values.count) == [
                9, 7,
            ])
        let fives = Value.list((0..<5).map { _ in Self.integers(0..<5) })
        #expect(try render([Self.list], [fives]).map(\.values.count) == [10, 10, 5])
        #expect(try render([Self.tuple], [Self.integers(0..<10)]).count == 1)
        #expect(try render([Self.tuple], [Self.integers(0..<11)]).map(\.values.count) == [10, 1])
    }

    @Test func whatCannotBeSplitIsP2029() throws {
        let failure = #expect(throws: PlanFailure.self) {
            try render([Self.tuple, Self.tuple], [Self.integers(0..<10), Self.integers(0..<10)])
        }
        #expect(failure?.code == "P2029")
        #expect(throws: PlanFailure.self) { try render([Self.tuple], [Self.integers(0..<65_536)], chunkable: false) }
        #expect(try render([Self.tuple], [Self.integers(0..<65_535)], chunkable: false).count == 1)
    }

    @Test(arguments: [
        ([SQLTemplate.Fragment.parameter, .parameter], [Value.int(1)], "Fragments attempt to read over 1 parameters."),
        ([RendererTests.list], [.int(1)], "Tuple list expected."), ([RendererTests.list], [.list([])], "Tuple list cannot be empty."),
        ([RendererTests.list], [.list([.int(1)])], "Tuple expected."),
    ])
    func malformedTemplates(fragments: [SQLTemplate.Fragment], arguments: [Value], message: String) throws {
        let failure = #expect(throws: PlanFailure.self) { try render(fragments, arguments) }
        #expect(failure?.message == "Malformed query template. " + message)
    }

    @Test func aTuplesTypesRepeat() throws {
        let type = ArgumentType(elements: [ArgumentType(scalar: .datetime), ArgumentType(scalar: .bytes)])
        let pairs = Value.list([Self.integers(0..<2), Self.integers(0..<2)])
        #expect(try render([Self.list], [pairs], types: [type])[0].types.map(\.scalar) == [.datetime, .bytes, .datetime, .bytes])
        let failure = #expect(throws: PlanFailure.self) { try render([Self.list], [.list([Self.integers(0..<3)])], types: [type]) }
        #expect(failure?.message.hasSuffix("but got 3 parameters for a tuple of arity 2.") == true)
    }

    @Test func commentsAreSortedAndEscaped() {
        #expect(SQLComment.text([("z", "1"), ("a", "it's b")]) == " /*a='it\\'s%20b',z='1'*/")
        #expect(SQLComment.text([("zeta", "x"), ("Upper", "*/"), ("alpha", "é")]) == " /*alpha='%C3%A9',Upper='*%2F',zeta='x'*/")
        #expect(SQLComment.text([]).isEmpty)
    }
}

// Of tests: made before, read after.
extension Value: @unchecked Sendable {}
