#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The lock of this program. A pthread mutex, not `Synchronization.Mutex`: the thread sanitizer of Swift 6.3
/// reports races inside the latter in correct programs.
public final class Lock: @unchecked Sendable {
    // The mutex is its own protection; on the heap because its address must not change.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    public init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Not recursive.
    @inline(__always)
    public func withLock<T: ~Copyable, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        lock()
        defer { unlock() }
        return try body()
    }

    public func lock() { pthread_mutex_lock(mutex) }
    public func unlock() { pthread_mutex_unlock(mutex) }
}
