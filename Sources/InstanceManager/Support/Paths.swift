internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The few questions about paths that this room asks. None throws: what can't be read is not there.
enum Paths {
    struct Stamp: Equatable, Sendable {
        var modified: Int64
        var size: Int64
        var inode: UInt64
        var text: String { "\(modified).\(size).\(inode)" }
    }

    static func stamp(_ path: String) -> Stamp? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        #if canImport(Darwin)
            let time = info.st_mtimespec
        #else
            let time = info.st_mtim
        #endif
        // Nanoseconds since 1970 fit until 2262; a file system's nonsense must not trap.
        let seconds = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return Stamp(
            modified: seconds.partialValue &+ Int64(time.tv_nsec), size: Int64(info.st_size), inode: UInt64(info.st_ino))
    }

    static func exists(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0
    }

    static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isFolder(path) }

    /// Owner of a folder or file.
    static func owner(_ path: String) -> (uid: UInt32, mode: UInt32)? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return (info.st_uid, UInt32(info.st_mode) & 0o7777)
    }

    /// Names in a folder, sorted, without `.` and `..`.
    static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { raw in
            raw.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), raw.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    /// The whole of a small file, also of /proc where sizes are 0; at most `limit` bytes.
    static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while result.count < limit {
            let count = chunk.withUnsafeMutableBytes { Paths.readSome(descriptor, $0) }
            guard count > 0 else { break }
            result.append(contentsOf: chunk.prefix(count))
        }
        return result
    }

    static func readText(_ path: String, limit: Int = 1 << 20) -> String? {
        read(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last bytes of a file.
    static func tail(_ path: String, bytes: Int) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        return text(descriptor, from: max(0, Int64(size) - Int64(bytes)), limit: bytes)
    }

    /// What was appended to a file since it had `offset` bytes, at most `limit` from there.
    static func text(_ path: String, from offset: Int64, limit: Int) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return text(descriptor, from: offset, limit: limit)
    }

    private static func text(_ descriptor: Int32, from offset: Int64, limit: Int) -> String {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            let count = bytes.withUnsafeMutableBytes { raw in
                readSome(descriptor, UnsafeMutableRawBufferPointer(rebasing: raw[filled...]))
            }
            guard count > 0 else { break }
            filled += count
        }
        return String(decoding: bytes.prefix(filled), as: UTF8.self)
    }

    private static func readSome(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            #if canImport(Darwin)
                let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #else
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// `DevError` for the system call that has just failed.
    static func failure(_ what: String, _ path: String, _ number: Int32 = errno) -> DevError {
        let code: DevErrorCode =
            switch number {
            case ENOSPC, EDQUOT: .diskFull
            case EROFS, EACCES, EPERM: .readOnly
            case EMFILE, ENFILE: .descriptors
            default: .system
            }
        return DevError(code, "\(what) \(path) failed", object: path, cause: String(cString: strerror(number)))
    }
}
