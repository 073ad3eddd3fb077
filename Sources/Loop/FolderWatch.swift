public import Basics
internal import CUV

/// Changes in a folder (inotify, kqueue): the body gets the entry's name, or nil when the kernel does not say.
/// Several changes may come as one; look at the folder once after making the watch. Confined to its loop's thread.
public final class FolderWatch {
    private let core: FolderCore

    /// - Throws: `DevError` for a path that can't be watched, `descriptor-limit` or `disk-full` at inotify's limits.
    public init(loop: Loop, path: String, _ body: @escaping (String?) -> Void) throws(DevError) {
        core = FolderCore(loop: loop)
        try core.start(path: path, body)
    }

    deinit { core.close() }
    public func close() { core.closeNow() }
}

private final class FolderCore: HandleCore, @unchecked Sendable {
    private var body: ((String?) -> Void)?

    func start(path: String, _ body: @escaping (String?) -> Void) throws(DevError) {
        try open(UV_FS_EVENT, "uv_fs_event_init", object: path) {
            uv_fs_event_init(loop.uv, $0.assumingMemoryBound(to: uv_fs_event_t.self))
        }
        self.body = body
        let status = uv_fs_event_start(
            pointer(uv_fs_event_t.self),
            { handle, name, _, status in
                guard let data = handle?.pointee.data else { return }
                let core = Unmanaged<FolderCore>.fromOpaque(data).takeUnretainedValue()
                core.body?(status == 0 ? name.map { String(cString: $0) } : nil)
            }, path, 0)
        guard status == 0 else {
            closeNow()
            throw posixError("uv_fs_event_start", object: path, errno: status)
        }
    }

    override func didClose() { body = nil }
}
