import HTTPWire
import Testing

@testable import HTTPShim

/// What the cache decides, under a clock that the test moves.
@Suite struct QueryCacheTests {
    private let start = ContinuousClock.now
    private let minute = CacheStrategy(ttl: .seconds(60), swr: .seconds(30), tags: ["a"])

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .milliseconds(Int(seconds * 1000))) }
    private func key(_ plan: String = "p", _ parameters: String = "{}", instance: String = "i", database: String = "d") -> CacheKey {
        CacheKey(instance: instance, database: database, plan: plan.utf8, parameters: parameters.utf8)
    }
    private func kept(_ text: String = "x") -> QueryCache.Kept { QueryCache.Kept(body: Array(text.utf8), modified: 0) }

    /// A first query and its answer.
    private func filled(_ keys: [CacheKey], capacity: Int = 1 << 20, _ strategy: CacheStrategy? = nil) throws -> QueryCache {
        var cache = QueryCache(capacity: capacity)
        for key in keys { try fill(&cache, key, strategy ?? minute, seconds: 0) }
        return cache
    }
    private func fill(_ cache: inout QueryCache, _ key: CacheKey, _ strategy: CacheStrategy, seconds: Double, _ text: String = "x") throws {
        guard case .lead(let ticket) = cache.ask(key, strategy, now: at(seconds)) else { throw Unexpected() }
        cache.finish(ticket, kept(text), now: at(seconds))
    }
    private struct Unexpected: Error {}

    private func isMiss(_ cache: inout QueryCache, _ key: CacheKey, _ seconds: Double = 1) -> Bool {
        if case .lead(let ticket) = cache.ask(key, minute, now: at(seconds)) {
            cache.finish(ticket, nil, now: at(seconds))
            return true
        }
        return false
    }

    @Test func aHitIsFollowedByStaleAndMiss() throws {
        var cache = try filled([key()])
        #expect(cache.ask(key(), minute, now: at(59.9)) == .hit(kept()))
        guard case .stale(kept(), let ticket?) = cache.ask(key(), minute, now: at(60)) else { throw Unexpected() }
        // One run at a time; it may take its time, and may fail.
        #expect(cache.ask(key(), minute, now: at(61)) == .stale(kept(), nil))
        cache.finish(ticket, nil, now: at(62))
        guard case .stale(kept(), let again?) = cache.ask(key(), minute, now: at(63)) else { throw Unexpected() }
        cache.finish(again, kept("y"), now: at(64))
        #expect(cache.ask(key(), minute, now: at(123.9)) == .hit(kept("y")))
        #expect(isMiss(&cache, key(), 154))
        #expect(cache.facts(instance: "i", now: at(154)) == .init(entries: 0, bytes: 0, hits: 2, stale: 3, misses: 2))
    }

    @Test func anAnswersAgeCountsAgainstWhoAsks() throws {
        var cache = try filled([key()])
        guard case .lead(let ticket) = cache.ask(key(), CacheStrategy(ttl: .seconds(5)), now: at(10)) else { throw Unexpected() }
        cache.finish(ticket, nil, now: at(10))
        // Who wants it for longer keeps it for longer.
        let hour = CacheStrategy(ttl: .seconds(3600))
        #expect(cache.ask(key(), hour, now: at(80)) == .hit(kept()))
        #expect(cache.ask(key(), hour, now: at(3000)) == .hit(kept()))
        #expect(cache.ask(key(), CacheStrategy(ttl: .zero, swr: .seconds(3600)), now: at(3001)) != .hit(kept()))
    }

    /// One who wants it newer, and has no tags, must not take the others' away.
    @Test func aNewAnswerHasTheOldOnesTags() throws {
        var cache = try filled([key()])
        try fill(&cache, key(), CacheStrategy(ttl: .seconds(1)), seconds: 10, "y")
        #expect(cache.ask(key(), minute, now: at(69)) == .hit(kept("y")))
        cache.invalidate(instance: "i", database: "d", .tags(["a"]))
        #expect(isMiss(&cache, key(), 11))
    }

    @Test func keysCoverInstanceDatabasePlanAndParameters() throws {
        var cache = try filled([key()])
        for other in [key("q"), key("p", "{\"%1\":1}"), key(instance: "j"), key(database: "e"), key("p\0", "{}")] {
            #expect(isMiss(&cache, other))
        }
        #expect(!isMiss(&cache, key()))
    }

    @Test func oneRunServesAllWhoComeMeanwhile() throws {
        var cache = QueryCache(capacity: 1 << 20)
        guard case .lead(let ticket) = cache.ask(key(), minute, now: at(0)) else { throw Unexpected() }
        #expect(cache.ask(key(), CacheStrategy(ttl: .seconds(1), tags: ["b"]), now: at(0)) == .follow(ticket))
        cache.finish(ticket, kept(), now: at(1))
        // For as long as the one who wants it longest wants it, and with everybody's tags.
        #expect(cache.ask(key(), minute, now: at(50)) == .hit(kept()))
        cache.invalidate(instance: "i", database: "d", .tags(["b"]))
        #expect(isMiss(&cache, key()))
        // After a failure the next one begins again.
        #expect(isMiss(&cache, key()))
    }

    @Test func tagsEndWhatHasThem() throws {
        var cache = try filled([key("1"), key("2"), key(database: "e"), key(instance: "j")])
        try fill(&cache, key("3"), CacheStrategy(ttl: .seconds(60), tags: ["b"]), seconds: 0)
        cache.invalidate(instance: "i", database: "d", .tags(["a", "none"]))
        #expect(isMiss(&cache, key("1")) && isMiss(&cache, key("2")))
        #expect(!isMiss(&cache, key("3")) && !isMiss(&cache, key(database: "e")) && !isMiss(&cache, key(instance: "j")))
        cache.invalidate(instance: "i", database: "d", .all)
        #expect(isMiss(&cache, key("3")) && !isMiss(&cache, key(database: "e")))
        cache.forget(instance: "i")
        #expect(isMiss(&cache, key(database: "e")) && !isMiss(&cache, key(instance: "j")))
    }

    /// It may have been read before the change that the invalidation is for.
    @Test func whatIsReadDuringAnInvalidationIsNotKept() throws {
        var cache = QueryCache(capacity: 1 << 20)
        guard case .lead(let old) = cache.ask(key(), minute, now: at(0)) else { throw Unexpected() }
        cache.invalidate(instance: "i", database: "d", .tags(["a"]))
        guard case .lead(let new) = cache.ask(key(), minute, now: at(1)) else { throw Unexpected() }
        cache.finish(new, kept("new"), now: at(2))
        cache.finish(old, kept("old"), now: at(3))
        #expect(cache.ask(key(), minute, now: at(4)) == .hit(kept("new")))
    }

    @Test func bytesAreBounded() throws {
        let keys = (0..<40).map { key("\($0)") }
        var cache = QueryCache(capacity: 10_000)
        for key in keys {
            try fill(&cache, key, minute, seconds: 0, String(repeating: "x", count: 500))
            // The first one is used all the time, and stays.
            #expect(cache.ask(keys[0], minute, now: at(0)) == .hit(kept(String(repeating: "x", count: 500))))
            #expect(cache.bytes <= 10_000)
        }
        #expect(isMiss(&cache, keys[1]) && !isMiss(&cache, keys[39]))
        let found = cache.facts(instance: "i", now: at(1))
        let facts = try #require(found)
        #expect(facts.bytes == cache.bytes && (5...20).contains(facts.entries))
        // One that would push out the others is not kept.
        try fill(&cache, key("big"), minute, seconds: 0, String(repeating: "x", count: 3000))
        #expect(isMiss(&cache, key("big")) && !isMiss(&cache, keys[39]))
        cache.forget(instance: "i")
        #expect(cache.bytes == 0)
    }

    @Test(arguments: [
        ("max-age=60,stale-while-revalidate=30", 60.0, 30.0), ("max-age=60", 60, 0), ("stale-while-revalidate=0.5", 0, 0.5),
        ("no-cache", 0, 0), ("", 0, 0), ("max-age=-1", 0, 0), ("max-age=NaN,stale-while-revalidate=Infinity", 0, 31_536_000),
        ("max-age=1e300", 31_536_000, 0), ("max-age", 0, 0), ("max-age=,=,", 0, 0),
    ])
    func strategiesAreRead(header: String, ttl: Double, swr: Double) throws {
        let headers = Headers(["cache-control": header, "accelerate-cache-tags": "a,b"])
        let strategy = try #require(CacheStrategy(headers))
        #expect(strategy == CacheStrategy(ttl: .milliseconds(Int(ttl * 1000)), swr: .milliseconds(Int(swr * 1000)), tags: ["a", "b"]))
        #expect(CacheStrategy(Headers()) == nil)
    }

    @Test func datesAreHTTPs() {
        #expect(AccelerateHeaders.date(1_773_828_000_000) == "Wed, 18 Mar 2026 10:00:00 GMT")
    }

    private func query(_ type: String, _ sql: String, raw: Bool = false) -> String {
        let body =
            raw
            ? "\"type\":\"rawSql\",\"sql\":\"\(sql)\""
            : "\"type\":\"templateSql\",\"fragments\":[{\"type\":\"stringChunk\",\"chunk\":\"\(sql)\"}],\"placeholderFormat\":{\"prefix\":\"$\",\"hasNumbering\":true},\"chunkable\":true"
        return "{\"type\":\"\(type)\",\"args\":{\(body),\"args\":[],\"argTypes\":[]}}"
    }

    @Test func onlyReadsAreKept() throws {
        func reads(_ plan: String) throws -> Bool { try PlanDecoder.decode(JSONScanner.parse(Array(plan.utf8))).onlyReads }
        let select = query("query", "SELECT 1")
        #expect(
            try reads(select) && reads("{\"type\":\"unique\",\"args\":\(select)}") && reads("{\"type\":\"concat\",\"args\":[\(select)]}"))
        #expect(try !reads(query("query", "INSERT INTO t DEFAULT VALUES RETURNING id")))
        #expect(try !reads(query("query", "UPDATE t SET a = 1 RETURNING id")) && !reads(query("query", "SELECT 1", raw: true)))
        #expect(try !reads(query("execute", "SELECT 1")) && !reads("{\"type\":\"transaction\",\"args\":\(select)}"))
        #expect(try !reads("{\"type\":\"seq\",\"args\":[\(select),\(query("execute", "DELETE FROM t"))]}"))
    }
}
