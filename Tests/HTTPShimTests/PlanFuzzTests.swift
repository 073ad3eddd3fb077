import PostgresSession
import Testing
import WireTestSupport

@testable import HTTPShim

/// The fuzzer's seeds and findings again (`make fuzz`), and what small plans could do to a stack, a memory, a number.
@Suite struct PlanFuzzTests {
    @Test func everyInputIsAnswered() async throws {
        let inputs = FuzzInputs.all("plan")
        #expect(inputs.count > 10)
        for input in inputs {
            do { try await checkPlan(input.bytes) } catch { Issue.record("\(input.name): \(error)") }
        }
        for input in FuzzInputs.all("cell") { try checkCell(input.bytes) }
    }

    private func body(_ plan: String) -> [UInt8] { Array("{\"operation\":\"o\",\"params\":{},\"plan\":\(plan)}".utf8) }

    /// As deep as JSON may be, in every way that nodes and values nest.
    @Test(arguments: [
        ("{\"type\":\"unique\",\"args\":", "{\"type\":\"unit\"}", "}"),
        ("{\"type\":\"seq\",\"args\":[", "{\"type\":\"unit\"}", "]}"),
        ("{\"type\":\"dataMap\",\"args\":{\"structure\":{\"type\":\"affectedRows\"},\"expr\":", "{\"type\":\"unit\"}", "}}"),
        ("{\"type\":\"transaction\",\"args\":", "{\"type\":\"unit\"}", "}"),
        ("{\"type\":\"value\",\"args\":[", "1", "]}"), ("[", "1", "]"), ("{\"type\":\"value\",\"args\":", "{\"a\":1}", "}"),
    ])
    func depthIsBounded(open: String, middle: String, close: String) async throws {
        for depth in [40, 120, 240, 490, 5000, 100_000] {
            let (left, right) = (String(repeating: open, count: depth), String(repeating: close, count: depth))
            try await checkPlan(body(left + middle + right))
            try await checkPlan(body("{\"type\":\"value\",\"args\":\(left)\(middle)\(right)}"))
        }
    }

    private func failure(_ plan: String) async throws -> PlanFailure? {
        let decoded = try PlanDecoder.decode(JSONScanner.parse(Array(plan.utf8)))
        let chance = Chance(milliseconds: { 0 }, bytes: { [UInt8](repeating: 7, count: $0) })
        do throws(PlanFailure) {
            _ = ValueText.shown(try await PlanRun(plan: decoded, database: NoStatements(), chance: chance).run([]))
            return nil
        } catch {
            return error
        }
    }

    private static let parameter = "{\"prisma__type\":\"param\",\"prisma__value\":{\"name\":\"a\",\"type\":\"Any\"}}"

    /// Each binding puts the last one into a list: once makes depth, twice makes size.
    @Test func boundValuesAreBounded() async throws {
        let first = "{\"name\":\"a\",\"expr\":{\"type\":\"value\",\"args\":1}}"
        let next = "{\"name\":\"a\",\"expr\":{\"type\":\"value\",\"args\":[\(Self.parameter)]}}"
        let bindings = ([first] + Array(repeating: next, count: 20_000)).joined(separator: ",")
        let plan = "{\"type\":\"let\",\"args\":{\"bindings\":[\(bindings)],\"expr\":{\"type\":\"get\",\"args\":{\"name\":\"a\"}}}}"
        #expect(try await failure(plan)?.message == "A value that the plan binds is too large or nested too deeply")
        var doubled = Value.int(1)
        for _ in 0..<60 { doubled = .list([doubled, doubled]) }
        #expect(throws: PlanFailure.self) { try ValueBounds.check(doubled, size: 10_000) }
    }

    @Test func productsAreBounded() async throws {
        let list = "[" + Array(repeating: "1", count: 2000).joined(separator: ",") + "]"
        let plan =
            "{\"type\":\"value\",\"args\":{\"prisma__type\":\"generatorCall\",\"prisma__value\":{\"name\":\"product\",\"args\":[\(list),\(list)]}}}"
        #expect(try await failure(plan)?.message == "Invalid Product generator arguments")
    }

    @Test func twoLongListsAreRefused() {
        let numbers = (0..<Renderer.chunkLimit - 1).map { Value.int(Int64($0)) }
        let tuple = SQLTemplate.Fragment.tuple(prefix: "", separator: ",", suffix: "")
        let template = SQLTemplate(isRaw: false, fragments: [tuple, tuple], arguments: [], types: [], isChunkable: true)
        let failure = #expect(throws: PlanFailure.self) {
            try Renderer(template: template, arguments: [.list(numbers), .list(numbers)]).statements()
        }
        #expect(failure?.code == "P2029")
    }

    @Test(arguments: [("1e-9223372036854775808", "1e-9223372036854775808"), ("1e9223372036854775807", "1e9223372036854775807")])
    func powersOfDecimalsAreBounded(text: String, expected: String) { #expect(Decimal.canonical(text) == expected) }

    @Test func limitsAreNeverNegative() throws {
        let digits = String(repeating: "9", count: 400)
        #expect(LimitHeaders.milliseconds("-" + digits) == 0 && LimitHeaders.milliseconds("-5") == 0)
        #expect(LimitHeaders.milliseconds(digits) == .infinity)
    }

    @Test func cellsWithoutDigits() throws {
        for text in ["", "-", ".", "0.", "-0", "1.", "{", "\\x", "\\x0", " BC", "::", "12:", "-:"] {
            for type in 0..<33 as Range<UInt8> { for kind in 0..<14 as Range<UInt8> { try checkCell([type, kind, 0] + Array(text.utf8)) } }
        }
    }
}

private final class NoStatements: PlanDatabase {
    let isTransaction = false
    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? { throw .plain("no database") }
    func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value {
        try await work(self)
    }
}
