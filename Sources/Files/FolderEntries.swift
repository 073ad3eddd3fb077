internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A name in a folder, as the bytes the kernel gave with a NUL at the end: it need not be UTF-8.
struct FolderEntry: Sendable {
    enum Kind: Sendable { case file, folder, link, other }
    var name: [CChar]
    var kind: Kind

    /// For messages; bytes that are not UTF-8 show as replacement characters.
    var text: String { String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
}

extension FolderEntry {
    /// All entries but `.` and `..`, in the kernel's order.
    /// - Parameter path: for messages.
    static func all(of folder: Int32, path: String) throws(DevError) -> [FolderEntry] {
        // closedir closes the descriptor it reads, so it gets one of its own.
        let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw fileError(errno, "read folder", path) }
        guard let stream = fdopendir(own) else {
            let number = errno
            close(own)
            throw fileError(number, "read folder", path)
        }
        defer { closedir(stream) }
        var entries: [FolderEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw fileError(errno, "read folder", path) }
                return entries
            }
            let type = Int32(entry.pointee.d_type)
            let name = UnsafeRawPointer(entry).advanced(by: MemoryLayout<dirent>.offset(of: \.d_name) ?? 0)
                .assumingMemoryBound(to: CChar.self)
            let length = strlen(name)
            let dot = CChar(bitPattern: UInt8(ascii: "."))
            if name[0] == dot, length == 1 || (length == 2 && name[1] == dot) { continue }
            let bytes = Array(UnsafeBufferPointer(start: name, count: length + 1))
            try entries.append(FolderEntry(name: bytes, kind: kind(type, folder, bytes, path)))
        }
    }

    private static func kind(_ type: Int32, _ folder: Int32, _ name: [CChar], _ path: String) throws(DevError) -> Kind {
        switch type {
        case Int32(DT_REG): return .file
        case Int32(DT_DIR): return .folder
        case Int32(DT_LNK): return .link
        case Int32(DT_UNKNOWN):
            // Some file systems do not say.
            var facts = stat()
            guard fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else { throw fileError(errno, "read folder", path) }
            switch facts.st_mode & S_IFMT {
            case S_IFREG: return .file
            case S_IFDIR: return .folder
            case S_IFLNK: return .link
            default: return .other
            }
        default: return .other
        }
    }
}
