public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Writing so that a crash leaves the old or the new content, never a mixture: temp file, fsync, rename, fsync of
/// the folder (design §9). All calls block: use `Loop.blocking`.
public enum DurableFile {
    /// Replaces or makes the file. A symbolic link at `path` is replaced, not followed. A crash may leave a
    /// `.devdb-….tmp` beside it.
    /// - Parameter mode: exactly this, whatever the umask.
    /// - Throws: `disk-full`, `read-only`, `not-found` (the folder), `system`; then the old content stands.
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt16 = 0o600) throws(DevError) {
        let (folderPath, name) = split(path)
        let folder = try Descriptor(folderPath, O_RDONLY | O_DIRECTORY, "open folder")
        // A name of our own: `name` plus a suffix could be longer than the 255 bytes of a name.
        let temporary = ".devdb-\(String(UInt64.random(in: .min ... .max), radix: 16)).tmp"
        let raw = retrying {
            openat(folder.raw, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(mode) & 0o600)
        }
        guard raw >= 0 else { throw fileError(errno, "write", path) }
        let file = Descriptor(owning: raw)
        var failure = bytes.withUnsafeBytes { writeAll(file.raw, $0) }
        if failure == 0, fchmod(file.raw, mode_t(mode)) != 0 { failure = errno }
        if failure == 0, retrying({ devdb_fsync(file.raw) }) != 0 { failure = errno }
        if failure == 0, renameat(folder.raw, temporary, folder.raw, name) != 0 { failure = errno }
        guard failure == 0 else {
            unlinkat(folder.raw, temporary, 0)
            throw fileError(failure, "write", path)
        }
        guard retrying({ devdb_fsync(folder.raw) }) == 0 else { throw fileError(errno, "sync folder", folderPath) }
    }

    /// Removes what crashes in `write` left in a folder that nobody writes to now. What can't be removed stays.
    public static func sweep(_ folderPath: String) {
        guard let folder = try? Descriptor(folderPath, O_RDONLY | O_DIRECTORY, "open folder"),
            let entries = try? FolderEntry.all(of: folder.raw, path: folderPath)
        else { return }
        for entry in entries where entry.kind == .file && entry.text.hasPrefix(".devdb-") && entry.text.hasSuffix(".tmp") {
            unlinkat(folder.raw, entry.name, 0)
        }
    }

    /// - Parameter limit: bytes; a larger file is an error, not cut.
    /// - Throws: `not-found`, `system` (also for what is not a regular file).
    public static func read(_ path: String, limit: Int = 16 << 20) throws(DevError) -> [UInt8] {
        // O_NONBLOCK: a pipe at this place must not hang us.
        let file = try Descriptor(path, O_RDONLY | O_NONBLOCK, "read")
        var facts = stat()
        guard fstat(file.raw, &facts) == 0 else { throw fileError(errno, "read", path) }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw DevError(.system, "Can't read \(path)", object: path, cause: "it is not a regular file")
        }
        // One more than the file has, so that a file that does not grow is read and found ended in two calls.
        var wanted = min(max(Int(facts.st_size), 0), limit) + 1
        var bytes: [UInt8] = []
        while true {
            var failure: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                let result = retrying { readBytes(file.raw, buffer.baseAddress, wanted) }
                if result < 0 { failure = errno }
                count = max(0, result)
            }
            guard failure == 0 else { throw fileError(failure, "read", path) }
            if piece.isEmpty { return bytes }
            bytes = bytes.isEmpty ? piece : bytes + piece
            guard bytes.count <= limit else {
                throw DevError(.system, "Can't read \(path)", object: path, cause: "it is larger than \(limit) bytes")
            }
            wanted = min(65_536, limit + 1 - bytes.count)
        }
    }

    /// rename(2), then fsync of both folders. A file at `target` is replaced; a folder there must be empty.
    /// - Throws: `exists` (folder not empty), `not-found`, `disk-full`, `read-only`, `system`.
    public static func rename(_ source: String, _ target: String) throws(DevError) {
        guard renameFile(source, target) == 0 else { throw fileError(errno, "rename \(source) to", target) }
        let targetFolder = split(target).folder
        let sourceFolder = split(source).folder
        try syncFolder(targetFolder)
        if sourceFolder != targetFolder { try syncFolder(sourceFolder) }
    }

    /// mkdir -p. Each new folder gets exactly this mode, and the owner if one is given; folders that were there
    /// stay as they are. Not synced: what is written into the folder with `write` or `rename` is.
    /// - Throws: `system` (something in the way is not a folder), `read-only`, `disk-full`.
    public static func makeFolder(_ path: String, mode: UInt16 = 0o700, owner: (uid: UInt32, gid: UInt32)? = nil) throws(DevError) {
        try makeFolder(path, mode, owner, hasParent: false)
    }

    /// - Parameter hasParent: the folder above was made; some file systems (/proc) still say that it is missing.
    private static func makeFolder(
        _ path: String, _ mode: UInt16, _ owner: (uid: UInt32, gid: UInt32)?, hasParent: Bool
    ) throws(DevError) {
        if mkdir(path, mode_t(mode) & 0o700) != 0 {
            switch errno {
            case ENOENT:
                let parent = split(path).folder
                guard parent != path, !hasParent else { throw fileError(ENOENT, "make folder", path) }
                try makeFolder(parent, mode: mode, owner: owner)
                return try makeFolder(path, mode, owner, hasParent: true)
            case EEXIST:
                // Also through a symbolic link: people move their homes that way.
                var facts = stat()
                guard stat(path, &facts) == 0 else { throw fileError(errno, "make folder", path) }
                guard facts.st_mode & S_IFMT == S_IFDIR else { throw fileError(ENOTDIR, "make folder", path) }
                return
            default: throw fileError(errno, "make folder", path)
            }
        }
        let folder = try Descriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, "open folder")
        if let owner, fchown(folder.raw, owner.uid, owner.gid) != 0 { throw fileError(errno, "change the owner of", path) }
        guard fchmod(folder.raw, mode_t(mode)) == 0 else { throw fileError(errno, "change the mode of", path) }
    }

    /// The names in a folder are on the disk when this returns.
    public static func syncFolder(_ path: String) throws(DevError) {
        let folder = try Descriptor(path, O_RDONLY | O_DIRECTORY, "open folder")
        guard retrying({ devdb_fsync(folder.raw) }) == 0 else { throw fileError(errno, "sync folder", path) }
    }

    static func split(_ path: String) -> (folder: String, name: String) {
        var text = Substring(path)
        while text.utf8.count > 1, text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", String(text)) }
        var folder = text[..<slash]
        while folder.utf8.count > 1, folder.utf8.last == UInt8(ascii: "/") { folder.removeLast() }
        return (folder.isEmpty ? "/" : String(folder), String(text[text.utf8.index(after: slash)...]))
    }
}

// Inside `DurableFile` its own `read` and `rename` hide the C functions of these names.
@inline(__always)
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int { read(descriptor, buffer, count) }
private func renameFile(_ source: String, _ target: String) -> Int32 { rename(source, target) }
