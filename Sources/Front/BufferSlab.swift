/// Buffers for bytes in flight, all of one size: taken only while a direction holds bytes, so that idle sessions cost
/// none. Confined to the loop.
final class BufferSlab {
    /// Bytes of a buffer: a read of a large COPY fills it, a short answer touches one page of it.
    static let size = 32_768
    /// Unused buffers kept.
    private static let kept = 32

    private var free: [UnsafeMutableRawPointer] = []

    deinit { for buffer in free { buffer.deallocate() } }

    @inline(__always)
    func take() -> UnsafeMutableRawPointer {
        free.popLast() ?? .allocate(byteCount: Self.size, alignment: 64)
    }

    @inline(__always)
    func give(_ buffer: UnsafeMutableRawPointer) {
        if free.count < Self.kept { free.append(buffer) } else { buffer.deallocate() }
    }
}
