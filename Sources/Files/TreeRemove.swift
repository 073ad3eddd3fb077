public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension TreeClone {
    /// Removes a tree, or a file or link at this place; nothing there is no error. Never follows symbolic links
    /// out of the tree (pg_wal, tablespaces), also not when somebody swaps a folder for one meanwhile. Folders
    /// without write permission are made writable first. One descriptor for each level of depth.
    public static func remove(_ path: String) throws(DevError) {
        let (parentPath, name) = DurableFile.split(path)
        let parentRaw = open(parentPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parentRaw >= 0 else {
            if errno == ENOENT { return }
            throw fileError(errno, "remove", path)
        }
        let parent = Descriptor(owning: parentRaw)
        try remove(parent.raw, Array(name.utf8CString), path)
    }

    private static func remove(_ parent: Int32, _ name: [CChar], _ path: String) throws(DevError) {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
        // Linux says EISDIR for a folder, POSIX and macOS EPERM. EACCES: the parent does not let us.
        guard errno == EISDIR || errno == EPERM else { throw fileError(errno, "remove", path) }
        let refusal = errno
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var raw = openat(parent, name, flags)
        if raw < 0, errno == EACCES, fchmodat(parent, name, 0o700, 0) == 0 { raw = openat(parent, name, flags) }
        guard raw >= 0 else {
            // Not a folder, so the refusal to unlink it stands.
            throw fileError(errno == ENOTDIR || errno == ELOOP ? refusal : errno, "remove", path)
        }
        let folder = Descriptor(owning: raw)
        let entries = try FolderEntry.all(of: folder.raw, path: path)
        if !entries.isEmpty, faccessat(folder.raw, ".", W_OK | X_OK, 0) != 0 { fchmod(folder.raw, 0o700) }
        for entry in entries {
            // Ordinary files first by one call; the rest sorts itself out in the recursion.
            if entry.kind != .folder, unlinkat(folder.raw, entry.name, 0) == 0 { continue }
            try remove(folder.raw, entry.name, path + "/" + entry.text)
        }
        guard unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw fileError(errno, "remove", path) }
    }
}
