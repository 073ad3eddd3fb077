/// So many requests in each second: a bucket that holds one second's worth and fills evenly. Time is passed in.
struct RequestRate {
    private var taken = 0.0
    private var last: ContinuousClock.Instant?

    /// - Returns: whether this one may come.
    mutating func takes(_ perSecond: Int, now: ContinuousClock.Instant) -> Bool {
        if let last {
            let (seconds, attoseconds) = (now - last).components
            taken = max(0, taken - (Double(seconds) + Double(attoseconds) / 1e18) * Double(perSecond))
        }
        last = now
        guard taken + 1 <= Double(perSecond) + 1e-6 else { return false }
        taken += 1
        return true
    }
}
