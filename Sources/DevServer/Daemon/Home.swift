internal import Basics
internal import Files

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

enum Home {
    /// Makes the home's folder and the sockets' folder and checks that nobody else has a hand in them. Blocks.
    /// - Parameter servedByAnother: the servers run as somebody else, who must get through to his data.
    /// - Throws: `read-only`, `disk-full`, `system`; `bad-configuration` when a folder is somebody else's.
    static func prepare(_ layout: HomeLayout, servedByAnother: Bool) throws(DevError) {
        do throws(DevError) { try make(layout, servedByAnother: servedByAnother) } catch {
            var error = error
            // Scripts take that for an instance that is not there.
            if error.code == .notFound { error.code = .system }
            error.help = error.help ?? "Set DEVDB_HOME to a folder of your own"
            throw error
        }
    }

    private static func make(_ layout: HomeLayout, servedByAnother: Bool) throws(DevError) {
        let through: UInt16 = servedByAnother ? 0o711 : 0o700
        if !Folder.exists(layout.root) {
            // What lies above is not ours alone; only the last folder is closed.
            if let slash = layout.root.lastIndex(of: "/"), slash != layout.root.startIndex {
                try DurableFile.makeFolder(String(layout.root[..<slash]), mode: 0o755)
            }
            try DurableFile.makeFolder(layout.root, mode: through)
        }
        try own(layout.root, through)
        try DurableFile.makeFolder(layout.sockets, mode: through)
        try own(layout.sockets, through)
        guard access(layout.root, W_OK) == 0 else {
            throw DevError(
                errno == EROFS ? .readOnly : .system, "The home can't be written", object: layout.root,
                cause: String(cString: strerror(errno)),
                help: "Set DEVDB_HOME to a folder that can be written to")
        }
    }

    /// Takes away what is left of a sockets' folder outside the home, unless servers live on in it.
    static func leave(_ layout: HomeLayout) {
        guard !layout.sockets.hasPrefix(layout.root + "/") else { return }
        for name in Folder.names(layout.sockets) { rmdir(layout.sockets + "/" + name) }
        rmdir(layout.sockets)
    }

    /// A folder in /tmp could have been made by somebody else before us.
    private static func own(_ path: String, _ mode: UInt16) throws(DevError) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            throw DevError(.system, "The folder can't be looked at", object: path, cause: String(cString: strerror(errno)))
        }
        // Somebody may keep the home elsewhere behind a link of their own.
        if facts.st_mode & S_IFMT == S_IFLNK, facts.st_uid == geteuid() || facts.st_uid == 0 { stat(path, &facts) }
        guard facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == geteuid() else {
            throw DevError(
                .badConfiguration, "\(path) is not yours", object: path, cause: "it belongs to user \(facts.st_uid)",
                help: "Set DEVDB_HOME to a folder of your own")
        }
        let wanted = mode_t(mode)
        if facts.st_mode & 0o077 != wanted & 0o077, chmod(path, wanted) != 0 {
            throw DevError(.system, "The folder can't be closed to others", object: path, cause: String(cString: strerror(errno)))
        }
    }
}
