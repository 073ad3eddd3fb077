/// How long nobody has used a server, as far as is known. Times are monotonic seconds.
struct Idleness {
    private(set) var lastUse: Double
    /// How often it was used: two looks with the same number had no use in between.
    private(set) var uses = 0

    init(since now: Double) { lastUse = now }

    /// The server has come up, used by nobody yet.
    mutating func begin(at now: Double) { lastUse = now }

    mutating func used(at now: Double) {
        uses += 1
        lastUse = now
    }

    /// Until the limit may be reached; nil: it may be reached now. Below a millisecond a sleep may not move the clock at all.
    func left(of limit: Double, at now: Double) -> Double? {
        let left = lastUse + limit - now
        return left > 0.001 ? left : nil
    }

    /// - Parameters:
    ///   - use: what the server says of its sessions.
    ///   - mark: `uses` before it was asked: a client that was let in meanwhile may not have reached it yet.
    /// - Returns: whether the limit is reached.
    mutating func heard(_ use: ServerUse, limit: Double, mark: Int, at now: Double) -> Bool {
        switch use {
        case .inUse, .unknown: lastUse = now
        case .idle(let seconds): if let seconds { lastUse = max(lastUse, now - seconds) }
        }
        return uses == mark && now - lastUse >= limit - 0.002
    }
}
