#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The machine's clock, which people may set.
public enum WallClock {
    /// Seconds since 1970, UTC.
    @Sendable public static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
