/// Time as it is passed in, so that owners run under a simulated clock.
struct TimeSource: Sendable {
    /// Seconds of a clock that never goes back and goes on while the machine sleeps.
    var monotonic: @Sendable () -> Double
    /// Seconds since 1970, UTC; may jump.
    var wall: @Sendable () -> Double
    /// Suspends for so many seconds, on the owner's executor; throws when the task is cancelled.
    var sleep: @Sendable (Double) async throws -> Void
}
