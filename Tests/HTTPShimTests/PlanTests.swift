import PostgresSession
import Testing

@testable import HTTPShim

/// Every node that needs no database (query plan specification §3), run as it comes over the wire.
@Suite struct PlanTests {
    private final class NoDatabase: PlanDatabase {
        let isTransaction = false
        func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? { throw .plain("no database") }
        func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value {
            try await work(self)
        }
    }

    private static let chance = Chance(
        milliseconds: { 1_700_000_000_123 }, bytes: { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) } })

    private func run(_ plan: String, _ parameters: String = "{}") async throws -> String {
        let decoded = try PlanDecoder.decode(JSONScanner.parse(Array(plan.utf8)))
        let members = try JSONScanner.parse(Array(parameters.utf8)).members ?? []
        let value = try await PlanRun(plan: decoded, database: NoDatabase(), chance: Self.chance).run(
            members.map { ($0.key, Value($0.value)) })
        if case .undefined = value { return "undefined" }
        return ValueText.shown(value)
    }

    private static func value(_ json: String) -> String { "{\"type\":\"value\",\"args\":\(json)}" }
    private static func get(_ name: String) -> String { "{\"type\":\"get\",\"args\":{\"name\":\"\(name)\"}}" }
    private static func node(_ type: String, _ args: String) -> String { "{\"type\":\"\(type)\",\"args\":\(args)}" }
    private static func param(_ name: String, _ type: String = "Any") -> String {
        "{\"prisma__type\":\"param\",\"prisma__value\":{\"name\":\"\(name)\",\"type\":\"\(type)\"}}"
    }

    @Test(arguments: [
        (value("[1,\"a\",null,{\"x\":1}]"), "[1,\"a\",null,{\"x\":1}]"),
        ("{\"type\":\"unit\"}", "undefined"), (node("seq", "[]"), "undefined"),
        (node("seq", "[\(value("1")),\(value("2"))]"), "2"), (get("nobody"), "undefined"),
        (
            node(
                "let",
                "{\"bindings\":[{\"name\":\"a\",\"expr\":\(value("[7]"))},{\"name\":\"a\",\"expr\":\(node("unique", get("a")))}],\"expr\":\(get("a"))}"
            ), "7"
        ),
        (node("getFirstNonEmpty", "{\"names\":[\"x\",\"y\"]}"), "[]"),
        (
            node(
                "let",
                "{\"bindings\":[{\"name\":\"x\",\"expr\":\(value("[]"))},{\"name\":\"y\",\"expr\":\(value("0"))}],\"expr\":\(node("getFirstNonEmpty", "{\"names\":[\"x\",\"y\"]}"))}"
            ), "0"
        ),
        (node("sum", "[]"), "0"), (node("sum", "[\(value("\"5\""))]"), "\"5\""),
        (node("sum", "[\(value("1")),\(value("\"2.5\""))]"), "3.5"),
        (node("concat", "[\(value("[1]")),\(value("2")),\(value("null"))]"), "[1,2,null]"),
        (node("unique", value("[]")), "null"), (node("unique", value("[{\"a\":1}]")), "{\"a\":1}"), (node("unique", value("3")), "3"),
        (node("required", value("0")), "0"), (node("reverse", value("[1,2]")), "[2,1]"), (node("reverse", value("1")), "1"),
        (node("mapField", "{\"field\":\"a\",\"records\":\(value("[{\"a\":1},{\"b\":2},null,5]"))}"), "[1,null,null,5]"),
        (
            node("diff", "{\"from\":\(value("[{\"a\":1},{\"a\":2},{\"a\":2}]")),\"to\":\(value("{\"a\":1}")),\"fields\":[\"a\"]}"),
            "[{\"a\":2},{\"a\":2}]"
        ),
        (node("transaction", value("1")), "1"),
        (
            node(
                "if",
                "{\"value\":\(value("null")),\"rule\":{\"type\":\"rowCountEq\",\"args\":0},\"then\":\(value("1")),\"else\":\(value("2"))}"),
            "1"
        ),
        (
            node(
                "if",
                "{\"value\":{\"type\":\"unit\"},\"rule\":{\"type\":\"rowCountEq\",\"args\":1},\"then\":\(value("1")),\"else\":\(value("2"))}"
            ), "1"
        ),
        (
            node(
                "if",
                "{\"value\":\(value("3")),\"rule\":{\"type\":\"affectedRowCountEq\",\"args\":3},\"then\":\(value("1")),\"else\":\(node("teleport", "{}"))}"
            ), "1"
        ),
        (
            node(
                "initializeRecord",
                "{\"expr\":\(value("1")),\"fields\":{\"a\":{\"type\":\"value\",\"value\":5},\"b\":{\"type\":\"lastInsertId\"}}}"),
            "{\"a\":5}"
        ),
        (
            node(
                "mapRecord",
                "{\"expr\":\(value("{\"n\":10,\"z\":1}")),\"fields\":{\"n\":{\"type\":\"divide\",\"value\":4},\"z\":{\"type\":\"divide\",\"value\":0},\"q\":{\"type\":\"set\",\"value\":\"s\"}}}"
            ), "{\"n\":2.5,\"z\":null,\"q\":\"s\"}"
        ),
        (node("mapRecord", "{\"expr\":\(value("{\"n\":\"10\"}")),\"fields\":{\"n\":{\"type\":\"add\",\"value\":1}}}"), "{\"n\":11}"),
    ])
    func nodes(plan: String, expected: String) async throws {
        #expect(try await run(plan) == expected)
    }

    @Test(arguments: [
        (node("teleport", "{}"), "Unexpected node type: teleport"), ("{}", "Unexpected node type: undefined"),
        (node("unique", value("[1,2]")), "Expected zero or one element, got 2"), (node("required", value("[]")), "Required value is empty"),
        (node("sum", "[\(value("1")),\(value("true"))]"), "Expected number, got boolean"),
        (
            node("mapRecord", "{\"expr\":\(value("null")),\"fields\":{\"a\":{\"type\":\"add\",\"value\":1}}}"),
            "Expected number, got undefined"
        ),
        (
            value("{\"prisma__type\":\"generatorCall\",\"prisma__value\":{\"name\":\"dice\",\"args\":[]}}"),
            "Encountered an unknown generator 'dice'"
        ),
        (
            value("{\"prisma__type\":\"generatorCall\",\"prisma__value\":{\"name\":\"uuid\",\"args\":[5]}}"),
            "Invalid UUID generator arguments"
        ),
        (value(param("%9")), "Missing value for query variable %9"),
        (
            node("initializeRecord", "{\"expr\":\(value("1")),\"fields\":{\"a\":{\"type\":\"zork\"}}}"),
            "Unexpected field initializer type: zork"
        ),
        (
            node("query", "{\"type\":\"templateSql\",\"fragments\":[{\"type\":\"zork\"}],\"args\":[],\"argTypes\":[]}"),
            "Malformed query plan: unexpected fragment type: zork"
        ),
        (join("[{\"id\":1}]", unique: false, children: "[5]"), "Expected object, got number"),
        (node("diff", "{\"from\":\(value("[1]")),\"to\":\(value("[]")),\"fields\":[\"a\"]}"), "Expected object, got number"),
        (
            node(
                "validate", "{\"expr\":\(value("1")),\"rules\":[{\"type\":\"odd\"}],\"errorIdentifier\":\"MISSING_RECORD\",\"context\":{}}"),
            "Unknown rule type: odd"
        ),
    ])
    func plainFailures(plan: String, message: String) async throws {
        let failure = await #expect(throws: PlanFailure.self) { try await run(plan) }
        #expect(failure?.message == message && failure?.status == 500 && failure?.code == nil)
    }

    @Test func placeholdersResolveThroughEachOther() async throws {
        #expect(
            try await run(
                Self.value("[\(Self.param("%1")),[\(Self.param("%2"))]]"),
                "{\"%1\":{\"prisma__type\":\"param\",\"prisma__value\":{\"name\":\"%2\"}},\"%2\":null}") == "[null,[null]]")
        // By a name that the plan itself does not have.
        #expect(
            try await run(
                Self.value(Self.param("a")),
                "{\"a\":{\"prisma__type\":\"param\",\"prisma__value\":{\"name\":\"b\"}},\"b\":7}") == "7")
        #expect(
            try await run(Self.value(Self.param("%1", "DateTime")), "{\"%1\":\"2024-01-02T03:04:05+01:00\"}")
                == "\"2024-01-02T02:04:05.000Z\"")
        let loop = await #expect(throws: PlanFailure.self) {
            try await run(Self.value(Self.param("%1")), "{\"%1\":{\"prisma__type\":\"param\",\"prisma__value\":{\"name\":\"%1\"}}}")
        }
        #expect(loop?.message == "A query variable refers to itself")
    }

    @Test(arguments: [
        ("uuid", "[4]", "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        ("uuid", "[7]", "^018bcfe5-687b-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"), ("cuid", "[1]", "^c[0-9a-z]{24}$"),
        ("cuid", "[2]", "^[a-z][0-9a-z]{23}$"), ("ulid", "[]", "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"), ("nanoid", "[]", "^[A-Za-z0-9_-]{21}$"),
        ("nanoid", "[10]", "^[A-Za-z0-9_-]{10}$"), ("now", "[]", "^2023-11-14T22:13:20.123Z$"),
    ])
    func generators(name: String, arguments: String, pattern: String) async throws {
        let text = try await run(
            Self.value("{\"prisma__type\":\"generatorCall\",\"prisma__value\":{\"name\":\"\(name)\",\"args\":\(arguments)}}"))
        let inner = String(text.dropFirst().dropLast())
        #expect(try Regex(pattern).wholeMatch(in: inner) != nil, "\(inner)")
    }

    @Test(arguments: [("1,[1,2]", "[[1,1],[1,2]]"), ("[1,2],1", "[[1,1],[2,1]]"), ("1,2", "[[1,2]]"), ("[],[1]", "[]")])
    func products(arguments: String, expected: String) async throws {
        #expect(
            try await run(
                Self.value("{\"prisma__type\":\"generatorCall\",\"prisma__value\":{\"name\":\"product\",\"args\":[\(arguments)]}}"))
                == expected)
    }

    private static let posts = "[{\"id\":10,\"u\":1},{\"id\":11,\"u\":2},{\"id\":12,\"u\":1},{\"id\":13,\"u\":null}]"
    private static func join(_ parent: String, unique: Bool, strict: Bool = true, on: String = "[[\"id\",\"u\"]]", children: String = posts)
        -> String
    {
        node(
            "join",
            "{\"parent\":\(value(parent)),\"canAssumeStrictEquality\":\(strict),\"children\":[{\"child\":\(value(children)),\"on\":\(on),\"parentField\":\"p\",\"isRelationUnique\":\(unique)}]}"
        )
    }

    @Test(arguments: [
        (
            join("[{\"id\":1},{\"id\":3}]", unique: false),
            "[{\"id\":1,\"p\":[{\"id\":10,\"u\":1},{\"id\":12,\"u\":1}]},{\"id\":3,\"p\":[]}]"
        ),
        (join("{\"id\":1}", unique: true), "{\"id\":1,\"p\":{\"id\":12,\"u\":1}}"),
        (join("{\"id\":9}", unique: true), "{\"id\":9,\"p\":null}"),
        (join("null", unique: false), "null"), (join("{\"id\":null}", unique: false), "{\"id\":null,\"p\":[{\"id\":13,\"u\":null}]}"),
        (join("{\"id\":\"2\"}", unique: false), "{\"id\":\"2\",\"p\":[]}"),
        (join("{\"id\":\"2\"}", unique: false, strict: false), "{\"id\":\"2\",\"p\":[{\"id\":11,\"u\":2}]}"),
    ])
    func joins(plan: String, expected: String) async throws {
        #expect(try await run(plan) == expected)
    }

    private static func process(_ data: String, _ operations: String) -> String {
        node("process", "{\"expr\":\(value(data)),\"operations\":\(operations)}")
    }
    private static let rows = "[{\"i\":1,\"g\":\"b\"},{\"i\":2,\"g\":\"a\"},{\"i\":3,\"g\":\"b\"},{\"i\":4,\"g\":\"a\"}]"

    @Test(arguments: [
        (process(rows, "{\"distinct\":[\"g\"]}"), "[{\"i\":1,\"g\":\"b\"},{\"i\":2,\"g\":\"a\"}]"),
        (process(rows, "{\"pagination\":{\"cursor\":{\"i\":2},\"take\":2,\"skip\":1}}"), "[{\"i\":3,\"g\":\"b\"},{\"i\":4,\"g\":\"a\"}]"),
        (process(rows, "{\"pagination\":{\"cursor\":{\"i\":9},\"take\":2,\"skip\":null}}"), "[]"),
        (
            process(rows, "{\"pagination\":{\"cursor\":null,\"take\":1,\"skip\":null},\"linkingFields\":[\"g\"]}"),
            "[{\"i\":2,\"g\":\"a\"},{\"i\":1,\"g\":\"b\"}]"
        ),
        (process(rows, "{\"pagination\":{\"cursor\":null,\"take\":0,\"skip\":null}}"), "[]"),
        (
            process(rows, "{\"reverse\":true,\"pagination\":{\"cursor\":null,\"take\":2,\"skip\":null}}"),
            "[{\"i\":2,\"g\":\"a\"},{\"i\":1,\"g\":\"b\"}]"
        ),
        (process("{\"i\":1}", "{\"pagination\":{\"cursor\":null,\"take\":0,\"skip\":null}}"), "null"),
        (process("{\"i\":1}", "{\"pagination\":{\"cursor\":{\"i\":\"1\"},\"take\":1,\"skip\":null}}"), "{\"i\":1}"),
        (process("\"[{\\\"i\\\":1},{\\\"i\\\":2}]\"", "{\"reverse\":true}"), "[{\"i\":2},{\"i\":1}]"),
        (process("{\"p\":[{\"i\":1},{\"i\":1}]}", "{\"nested\":{\"p\":{\"distinct\":[\"i\"]}}}"), "{\"p\":[{\"i\":1}]}"),
        (process("null", "{\"reverse\":true}"), "null"),
        (process("[{\"i\":1}]", "{\"pagination\":{\"cursor\":{\"i\":true},\"take\":null,\"skip\":null}}"), "[]"),
        (process("[{\"i\":false}]", "{\"pagination\":{\"cursor\":{\"i\":0},\"take\":null,\"skip\":null}}"), "[]"),
        (process("[{},{\"i\":1}]", "{\"pagination\":{\"cursor\":{\"i\":1},\"take\":1,\"skip\":null}}"), "[{}]"),
    ])
    func processing(plan: String, expected: String) async throws {
        #expect(try await run(plan) == expected)
    }
}
