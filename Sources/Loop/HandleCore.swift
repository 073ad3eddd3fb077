internal import Basics
internal import CUV

/// The libuv half of every handle: owns the C struct, which lives until libuv's close callback, and is kept alive by
/// it. The public half may be dropped at any time and on any thread; its `deinit` calls `close()`.
///
/// `@unchecked Sendable`: confined to the loop's thread; others only pass it to `Loop.perform`.
class HandleCore: @unchecked Sendable {
    let loop: Loop
    /// nil before `open` and after the close.
    private(set) var raw: UnsafeMutablePointer<uv_handle_t>?

    init(loop: Loop) { self.loop = loop }

    /// - Parameter initialize: libuv's init call; it gets memory for a handle of this type.
    /// - Throws: `cancelled` when the loop is stopping, else the call's error.
    final func open(
        _ type: uv_handle_type, _ call: String, object: String, _ initialize: (UnsafeMutableRawPointer) -> Int32
    ) throws(DevError) {
        guard !loop.isStopping else { throw Loop.ended }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: uv_handle_size(type), alignment: 16)
        let status = initialize(memory)
        guard status == 0 else {
            memory.deallocate()
            throw posixError(call, object: object, errno: status)
        }
        let handle = memory.assumingMemoryBound(to: uv_handle_t.self)
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        raw = handle
    }

    /// Takes over a handle that `keep` has kept.
    final func adopt(_ handle: UnsafeMutablePointer<uv_handle_t>) throws(DevError) {
        guard !loop.isStopping else { throw Loop.ended }
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        raw = handle
    }

    /// Stops the handle and keeps it for another core instead of closing it.
    /// - Returns: false: it is to be closed.
    func keep(_ handle: UnsafeMutablePointer<uv_handle_t>) -> Bool { false }

    /// The C struct as what it is.
    final func pointer<T>(_ type: T.Type) -> UnsafeMutablePointer<T>? {
        raw.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: type) }
    }

    /// Idempotent; from any thread.
    final func close() {
        if loop.isCurrent { closeNow() } else { loop.perform { self.closeNow() } }
    }

    /// Drops the body, wakes who waits; no callback comes after it.
    func didClose() {}

    /// The loop stops with this handle open.
    func loopEnded() { closeNow() }

    final func closeNow() {
        guard let raw else { return }
        self.raw = nil
        if keep(raw) {
            let data = raw.pointee.data
            raw.pointee.data = nil
            didClose()
            if let data { Unmanaged<HandleCore>.fromOpaque(data).release() }
            return
        }
        uv_close(raw) { handle in
            guard let handle, let data = handle.pointee.data else { return }
            UnsafeMutableRawPointer(handle).deallocate()
            Unmanaged<HandleCore>.fromOpaque(data).release()
        }
        didClose()
    }
}
