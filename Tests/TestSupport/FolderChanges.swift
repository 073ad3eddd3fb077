#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Changes of the files in some folders, as the kernel tells them (inotify). macOS tells of a file's new content only to
/// who has that file open, so there the folders are looked at every 10 ms.
struct FolderChanges: ~Copyable {
    private let descriptor: Int32

    /// From now on changes are noted: look at the folders after this.
    init(_ folders: [String]) throws {
        #if os(Linux)
            descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
            guard descriptor >= 0 else { throw TestFailure("inotify: \(errorText(errno))") }
            let wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
            for folder in folders where inotify_add_watch(descriptor, folder, UInt32(wanted)) < 0 {
                throw TestFailure("\(folder) can't be watched: \(errorText(errno))")
            }
        #else
            descriptor = -1
        #endif
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Returns: false when nothing changed until then.
    func wait(_ deadline: Deadline) -> Bool {
        #if os(Linux)
            guard deadline.poll(descriptor) else { return false }
            // Which they are does not matter: all that are there count as one.
            var events = [UInt8](repeating: 0, count: 4096)
            while read(descriptor, &events, events.count) > 0 {}
            return true
        #else
            _ = poll(nil, 0, min(10, deadline.left))
            return deadline.left > 0
        #endif
    }
}
