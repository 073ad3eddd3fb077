#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Stands for Ctrl-C: a descriptor that becomes readable.
final class Signal: Sendable {
    let reading: Int32
    private let writing: Int32
    init() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        reading = ends[0]
        writing = ends[1]
    }
    deinit {
        close(reading)
        close(writing)
    }
    func raise() { _ = write(writing, [1], 1) }
}
