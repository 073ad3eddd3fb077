/// How often a server may be started again after it failed: 5 times in 300 s (design §4). Times are seconds of a
/// monotonic clock.
struct RestartBudget: Equatable, Sendable {
    static let restarts = 5
    static let window = 300.0

    private(set) var failures: [Double] = []

    /// Counts a failure.
    /// - Returns: the pause before the next try in seconds, 0 for the first; nil when the budget is spent.
    mutating func spend(now: Double) -> Double? {
        failures.removeAll { $0 <= now - RestartBudget.window }
        failures.append(now)
        guard failures.count <= RestartBudget.restarts else { return nil }
        // 0, 0.1, 0.2, 0.4, 0.8: a crash is answered at once, a crash loop does not eat the machine.
        guard failures.count > 1 else { return 0 }
        return 0.1 * Double(1 << (failures.count - 2))
    }

    /// Whether a failure now would be followed by another try.
    func hasRoom(now: Double) -> Bool { failures.count { $0 > now - RestartBudget.window } < RestartBudget.restarts }

    mutating func clear() { failures = [] }
}
