#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Stands for Ctrl-C: a descriptor that becomes readable.
public final class Signal: Sendable {
    public let reading: Int32
    private let writing: Int32
    public init() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        reading = ends[0]
        writing = ends[1]
    }
    deinit {
        close(reading)
        close(writing)
    }
    public func raise() { _ = write(writing, [1], 1) }
}
