internal import CUV

/// Stopped `uv_poll_t` of sockets that are closed, by descriptor. Confined to the loop's thread.
///
/// A stopped handle is no part of libuv's tables: others may watch a descriptor of that number meanwhile. Only what is a
/// socket may take one: libuv finds out in `uv_poll_init` alone whether something can be polled, and aborts later.
struct SpareWatches {
    /// Numbers from here on are not kept: each costs 160 bytes, and numbers are given lowest first.
    static let limit = 1_024

    private var handles: [UnsafeMutablePointer<uv_handle_t>?] = []

    mutating func take(_ descriptor: Int32) -> UnsafeMutablePointer<uv_handle_t>? {
        let place = Int(descriptor)
        guard handles.indices.contains(place), let handle = handles[place] else { return nil }
        handles[place] = nil
        return handle
    }

    /// - Returns: false when there is one for that number, or no place.
    mutating func add(_ handle: UnsafeMutablePointer<uv_handle_t>, _ descriptor: Int32) -> Bool {
        let place = Int(descriptor)
        guard place >= 0, place < Self.limit else { return false }
        while handles.count <= place { handles.append(nil) }
        guard handles[place] == nil else { return false }
        handles[place] = handle
        return true
    }

    mutating func close() {
        for case let handle? in handles { uv_close(handle) { handle in UnsafeMutableRawPointer(handle)?.deallocate() } }
        handles = []
    }
}
