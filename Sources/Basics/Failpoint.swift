#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Marked steps at which tests kill the process: `DEVDB_FAILPOINT=name` (the n-th pass with `name:n`) ends it with
/// SIGKILL right there. Compiled out of release builds.
public enum Failpoint {
    /// - Parameter name: `operation.step`, such as `create.cloned`; listed by `docs/failpoints.md`.
    @inline(__always)
    public static func pass(_ name: StaticString) {
        #if DEBUG
            hit(name)
        #endif
    }

    #if DEBUG
        private static let wanted: (name: String, count: Int)? = {
            guard let raw = getenv("DEVDB_FAILPOINT") else { return nil }
            let parts = String(cString: raw).split(separator: ":", maxSplits: 1)
            guard let name = parts.first else { return nil }
            return (String(name), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()
        private static let passes = Counter()

        private static func hit(_ name: StaticString) {
            guard let wanted, wanted.name == name.description else { return }
            if passes.next() == wanted.count { kill(getpid(), SIGKILL) }
        }

        /// Passes come from the loop thread and the blocking pool alike; the pthread mutex protects `count`.
        private final class Counter: @unchecked Sendable {
            private var mutex = pthread_mutex_t()
            private var count = 0
            init() { pthread_mutex_init(&mutex, nil) }
            func next() -> Int {
                pthread_mutex_lock(&mutex)
                defer { pthread_mutex_unlock(&mutex) }
                count += 1
                return count
            }
        }
    #endif
}
