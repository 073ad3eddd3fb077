import Testing

@testable import HTTPShim

/// What a person may set for the HTTP side, and how requests are counted.
@Suite struct ServingRulesTests {
    @Test(arguments: [
        ("limits.queryTimeout", "10s"), ("limits.queryTimeout", "1h"), ("limits.transactionDuration", "1.5s"), ("chaos.latency", "200ms"),
        ("chaos.latency", "5 m"), ("chaos.fail", "10%"), ("chaos.fail", "0.1%"), ("chaos.fail", "100%"), ("limits.responseSize", "5MB"),
        ("limits.responseSize", "1"), ("limits.responseSize", "1.5KiB"), ("limits.connections", "1"),
        ("limits.requestsPerSecond", "1000000"),
    ])
    func valuesAreTaken(key: String, value: String) {
        #expect(ServingRules.complaint(key, value) == nil)
        #expect(ServingRules([key: value]) != .none)
    }

    @Test(arguments: [
        ("limits.queryTimeout", ""), ("limits.queryTimeout", "10"), ("limits.queryTimeout", "0s"), ("limits.queryTimeout", "-1s"),
        ("limits.queryTimeout", "2h"), ("limits.queryTimeout", "1e3s"), ("limits.queryTimeout", "1..5s"), ("limits.queryTimeout", "never"),
        ("limits.queryTimeout", "99999999999999999999h"), ("chaos.fail", "0%"), ("chaos.fail", "101%"), ("chaos.fail", "10"),
        ("chaos.fail", "%"), ("limits.responseSize", "5 mb"), ("limits.responseSize", "0"), ("limits.responseSize", "99999999999GB"),
        ("limits.connections", "0"), ("limits.connections", "1001"), ("limits.connections", "1.5"), ("limits.requestsPerSecond", "٣"),
        ("limits.requestsPerSecond", "-1"), ("limits.other", "1"), ("chaos.latency", "\n"),
    ])
    func othersAreNot(key: String, value: String) {
        #expect(ServingRules.complaint(key, value) != nil)
        #expect(ServingRules([key: value]) == .none)
    }

    @Test func valuesMeanWhatTheySay() {
        let rules = ServingRules([
            "limits.queryTimeout": "1.5s", "limits.responseSize": "2KiB", "chaos.fail": "25%", "chaos.latency": "2m",
            "limits.connections": "3", "limits.requestsPerSecond": "4", "limits.transactionDuration": "1h", "unknown": "x",
        ])
        #expect(rules.queryTimeout == .milliseconds(1500) && rules.responseSize == 2048 && rules.failing == 0.25)
        #expect(rules.latency == .seconds(120) && rules.connections == 3 && rules.requestsPerSecond == 4)
        #expect(rules.transactionDuration == .seconds(3600))
    }

    @Test func aSecondHasSoManyRequests() {
        let start = ContinuousClock.now
        var rate = RequestRate()
        func taken(_ milliseconds: Int) -> Bool { rate.takes(2, now: start.advanced(by: .milliseconds(milliseconds))) }
        #expect(taken(0) && taken(1) && !taken(2) && !taken(400))
        // Half a second is worth one.
        #expect(taken(502) && !taken(503))
        // A long rest is worth no more than a second.
        #expect(taken(60_000) && taken(60_000) && !taken(60_000))
    }
}
