internal import Loop

/// What one request's work is told of in `extensions` (HTTP protocol specification §3.7): log events and spans. Confined to
/// the loop.
final class Journal {
    /// What a request asks for by `X-Capture-Telemetry`.
    struct Capture: OptionSet {
        let rawValue: UInt8
        static let tracing = Capture(rawValue: 1)
        static let query = Capture(rawValue: 2)
        static let error = Capture(rawValue: 4)
        /// Levels that nothing is logged at.
        static let others = Capture(rawValue: 8)
        /// Levels are a set, not a threshold.
        static let levels: Capture = [query, error, others]

        /// - Returns: nil for a malformed header.
        static func of(_ header: String?) -> Capture? {
            guard let header else { return [] }
            // Mostly it is a single word.
            if let capture = of(word: header[...]) { return capture }
            var capture: Capture = []
            for item in header.utf8.split(separator: UInt8(ascii: ",")) {
                let word = item.drop { $0 == 0x20 }.prefix { $0 != 0x20 }
                guard let one = of(word: Substring(word)) else { return nil }
                capture.formUnion(one)
            }
            return capture
        }

        private static func of(word: Substring) -> Capture? {
            switch word {
            case "": []
            case "tracing": .tracing
            case "query": .query
            case "error": .error
            case "debug", "info", "warn": .others
            default: nil
            }
        }
    }

    private let capture: Capture
    private let clock: LoopClock
    private let chance: Chance
    /// Wall clock and loop clock at the same instant.
    private let origin: (wall: Int64, clock: ContinuousClock.Instant)
    /// Made when it is first shown: most requests have nothing to tell.
    private lazy var trace = Hexadecimal.encode(chance.bytes(16))
    private var logs: [JSON] = []
    private var spans: [JSON] = []
    /// Ids of spans that are open: the last is the parent of the next.
    private var open: [String] = []

    init(capture: Capture, clock: LoopClock, chance: Chance) {
        self.capture = capture
        self.clock = clock
        self.chance = chance
        origin = (chance.milliseconds(), clock.now)
    }

    private func identifier() -> String { trace + "-" + Hexadecimal.encode(chance.bytes(8)) }

    /// Nanoseconds since 1970.
    private func wall(_ instant: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = (instant - origin.clock).components
        return origin.wall * 1_000_000 + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private static func pair(_ nanoseconds: Int64) -> JSON {
        .array([.number(String(nanoseconds / 1_000_000_000)), .number(String(nanoseconds % 1_000_000_000))])
    }

    func query(_ statement: Statement, started: ContinuousClock.Instant, ended: ContinuousClock.Instant) {
        guard !capture.isDisjoint(with: [.tracing, .query]) else { return }
        record(statement.sql, statement.parameterText, started, ended)
    }

    func command(_ sql: String, started: ContinuousClock.Instant, ended: ContinuousClock.Instant) {
        guard !capture.isDisjoint(with: [.tracing, .query]) else { return }
        record(sql, "[]", started, ended)
    }

    private func record(_ sql: String, _ parameters: String, _ started: ContinuousClock.Instant, _ ended: ContinuousClock.Instant) {
        let span = identifier()
        if capture.contains(.tracing) {
            spans.append(
                spanJSON(
                    span, "db_query", kind: "client", started, ended,
                    attributes: [JSON.Member("db.query.text", .string(sql)), JSON.Member("db.system.name", .string("postgresql"))]))
        }
        guard capture.contains(.query) else { return }
        let (seconds, attoseconds) = (ended - started).components
        let duration = JSON.number(JSNumber.text(Double(seconds) * 1000 + Double(attoseconds / 1_000_000_000) / 1_000_000))
        // The client reads `duration_ms` and `message`; the reference sends `duration` and a message outside.
        log(
            "query", span, "Query", ended,
            [
                JSON.Member("timestamp", .number(String(wall(started) / 1_000_000))), JSON.Member("duration", duration),
                JSON.Member("duration_ms", duration), JSON.Member("query", .string(sql)), JSON.Member("params", .string(parameters)),
                JSON.Member("message", .string("Query")),
            ])
    }

    /// Work with a span of its own around it.
    func spanned<T>(_ name: String, _ work: () async throws(PlanFailure) -> T) async throws(PlanFailure) -> T {
        guard capture.contains(.tracing) else { return try await work() }
        let started = clock.now
        let span = identifier()
        open.append(span)
        let outcome: Result<T, PlanFailure>
        do throws(PlanFailure) { outcome = .success(try await work()) } catch { outcome = .failure(error) }
        open.removeLast()
        spans.append(spanJSON(span, name, kind: "internal", started, clock.now, attributes: []))
        return try outcome.get()
    }

    private func spanJSON(
        _ id: String, _ name: String, kind: String, _ started: ContinuousClock.Instant, _ ended: ContinuousClock.Instant,
        attributes: [JSON.Member]
    ) -> JSON {
        var members = [JSON.Member("id", .string(id)), JSON.Member("parentId", open.last.map { .string($0) } ?? .null)]
        if !attributes.isEmpty { members.append(JSON.Member("attributes", .object(attributes))) }
        return .object(
            members + [
                JSON.Member("name", .string("prisma:accelerate:" + name)), JSON.Member("kind", .string(kind)),
                JSON.Member("startTime", Journal.pair(wall(started))), JSON.Member("endTime", Journal.pair(wall(ended))),
            ])
    }

    /// The one event of a failed request.
    func failure(_ failure: PlanFailure, method: String, path: String) {
        guard capture.contains(.error) else { return }
        log(
            "error", "00000000000000000000000000000000-0000000000000000", "Error processing request", clock.now,
            [
                JSON.Member("error", .string((failure.code == nil ? "Error: " : "UserFacingError: ") + failure.message)),
                JSON.Member("method", .string(method)), JSON.Member("pathname", .string(path)),
                JSON.Member("requestId", .string(Generators.uuid(chance.bytes(16), version: 4))),
                JSON.Member("message", .string(failure.message)),
            ])
    }

    private func log(_ level: String, _ span: String, _ message: String, _ at: ContinuousClock.Instant, _ attributes: [JSON.Member]) {
        logs.append(
            .object([
                JSON.Member("level", .string(level)), JSON.Member("spanId", .string(span)),
                JSON.Member("timestamp", Journal.pair(wall(at))),
                JSON.Member("message", .string(message)), JSON.Member("attributes", .object(attributes)),
            ]))
    }

    /// The `extensions` of the answer; nil when nothing was asked for.
    var extensions: JSON? {
        var members: [JSON.Member] = []
        if !capture.isDisjoint(with: .levels) { members.append(JSON.Member("logs", .array(logs))) }
        if capture.contains(.tracing) { members.append(JSON.Member("spans", .array(spans))) }
        return members.isEmpty ? nil : .object(members)
    }
}
