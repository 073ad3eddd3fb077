internal import PostgresSession

#if !FUZZING
    @testable import HTTPShim
#endif

/// A database that takes every statement, looks at what would be sent, and has no rows.
private final class BlindDatabase: PlanDatabase {
    let isTransaction: Bool
    init(isTransaction: Bool) { self.isTransaction = isTransaction }

    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? {
        _ = try Binder.parameters(statement)
        _ = statement.parameterText
        return nil
    }
    func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value {
        try await work(BlindDatabase(isTransaction: true))
    }
}

struct BrokenPlanPromise: Error, CustomStringConvertible {
    let description: String
}

/// What must hold for any body of a plan request: an answer that is JSON, or a failure that can be told.
func checkPlan(_ body: [UInt8]) async throws {
    let request: (PlanRequest, Plan)?
    do {
        request = try body.withUnsafeBufferPointer { bytes in
            let request = try PlanRequest(bytes)
            var plans = PlanCache()
            return (request, try plans.plan(UnsafeBufferPointer(rebasing: bytes[request.plan])))
        }
    } catch PlanRequest.Refusal.invalid(let answer) {
        try requireJSON(answer.text)
        return
    } catch {
        return
    }
    guard let request else { return }
    let chance = Chance(milliseconds: { 1_700_000_000_123 }, bytes: { [UInt8](repeating: 7, count: $0) })
    let run = PlanRun(
        plan: request.1, database: BlindDatabase(isTransaction: false), comment: SQLComment.text(request.0.comments), chance: chance)
    do throws(PlanFailure) {
        let value = try await run.run(request.0.parameters)
        try? requireJSON(ValueText.shown(value))
        _ = (ValueText.string(value), ValueText.number(value))
    } catch {
        _ = (error.status, Redaction.applied(to: error))
    }
}

private func requireJSON(_ text: String) throws {
    // Deeper than a request's own JSON may an answer be.
    do throws(JSONFailure) {
        _ = try JSONScanner.parse(Array(text.utf8))
    } catch {
        guard error.message == "nested too deeply" else { throw BrokenPlanPromise(description: "not JSON (\(error)): \(text)") }
    }
}

/// What must hold for any cell that PostgreSQL, or a type of somebody's own, might send.
/// - Parameter bytes: a type, a field's kind and whether it is a list, then the cell.
func checkCell(_ bytes: [UInt8]) throws {
    guard bytes.count >= 3 else { return }
    let oids: [UInt32] = [
        16, 21, 20, 26, 700, 701, 1700, 790, 25, 2950, 114, 17, 1082, 1083, 1266, 1114, 1184, 16_384, 1000, 1007, 1016, 1022, 1231, 791,
        1009, 1002, 2951, 3807, 1001, 1182, 1183, 1115, 1185,
    ]
    let kinds: [FieldStructure.Kind] = [
        .string, .int, .bigint, .float, .boolean, .json, .object, .datetime, .decimal, .unsupported, .enumeration("E"), .bytes(.array),
        .bytes(.base64), .bytes(.hex),
    ]
    guard let reader = CellReader(oid: oids[Int(bytes[0]) % oids.count]) else { return }
    let kind = kinds[Int(bytes[1]) % kinds.count]
    let field = FieldStructure(column: "c", kind: kind, isList: bytes[2] % 2 == 1, source: .null)
    bytes[3...].withUnsafeBytes { cell in
        var writer = JSONWriter()
        var sink = ByteSink(capacity: 1)
        if CellWriter.write(cell, CellForm(field, reader, isJSONB: bytes[2] % 4 < 2), into: &sink) { return }
        precondition(sink.count == 0, "a cell that goes the long way has been written")
        let value = reader.value(cell)
        for element in [value] + (value.elements ?? []) {
            try? FieldWriter.write(element, kind, "c", ["E": ["a": "b"]], into: &writer)
            _ = (ValueText.string(element), ValueText.number(element), CursorMatch.equal(element, .string("1")))
            _ = CursorMatch.equal(element, .date(0))
        }
        _ = try? ProcessOperator(
            distinct: ["a"], cursor: nil, take: 1, skip: 1, hasPagination: true, reverse: true, linkingFields: ["b"], nested: []
        ).applied(to: value)
    }
}
