/// Buffers for bytes in flight, all of one size. All sessions read into one of them; it becomes a direction's own only
/// while that direction holds bytes, so that idle sessions cost none. Confined to the loop.
final class BufferSlab {
    /// Bytes of a buffer: a read of a large COPY fills it, a short answer touches one page of it.
    static let size = 32_768
    /// Unused buffers kept.
    private static let kept = 32

    /// The one that everybody reads into. In memory of its own: a property would be checked for exclusive access at each
    /// message, at the cost of a good part of the pump's own work.
    private let shared: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var free: [UnsafeMutableRawPointer] = []

    init() {
        shared = .allocate(capacity: 1)
        shared.initialize(to: Self.new())
    }

    deinit {
        for buffer in free { buffer.deallocate() }
        shared.pointee.deallocate()
        shared.deallocate()
    }

    /// Its bytes are the caller's until it returns to the loop.
    @inline(__always)
    var current: UnsafeMutableRawPointer { shared.pointee }

    /// Makes the current buffer the caller's, and another one current.
    func takeCurrent() -> UnsafeMutableRawPointer {
        let taken = shared.pointee
        shared.pointee = free.popLast() ?? Self.new()
        return taken
    }

    func give(_ buffer: UnsafeMutableRawPointer) {
        if free.count < Self.kept { free.append(buffer) } else { buffer.deallocate() }
    }

    private static func new() -> UnsafeMutableRawPointer { .allocate(byteCount: size, alignment: 64) }
}
