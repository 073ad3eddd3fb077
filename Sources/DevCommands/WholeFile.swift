internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Files read and replaced as a whole. `dev` has no loop and links nothing, so this is its own small form of what `Files` does.
enum WholeFile {
    /// nil when there is no such file.
    static func read(_ path: String) throws(DevError) -> [UInt8]? {
        // A pipe that nobody writes must not hold us up before it is refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("\(path) can't be read", path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw DevError(.system, "\(path) can't be read", object: path, cause: "it is not a regular file", help: "Name a file")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = readSome(descriptor, &buffer)
            guard count >= 0 else { throw failure("\(path) can't be read", path) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Temporary file, fsync, rename, fsync of the folder: after a crash there is the old file or the new one. A symbolic
    /// link stays and its target is replaced; mode and owner are kept.
    static func write(_ bytes: [UInt8], to link: String, newMode: mode_t) throws(DevError) {
        let path = target(of: link)
        var facts = stat()
        let exists = stat(path, &facts) == 0
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let temporary = path + ".\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("\(link) can't be written", link) }
        var done = false
        defer {
            close(descriptor)
            if !done { unlink(temporary) }
        }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { writeSome(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent) }
            guard count > 0 else { throw failure("\(link) can't be written", link) }
            sent += count
        }
        // Another's file stays another's where we may say so (root); else it becomes ours, as with every editor.
        if exists { _ = fchown(descriptor, facts.st_uid, facts.st_gid) }
        guard fchmod(descriptor, exists ? facts.st_mode & 0o7777 : newMode) == 0, fsync(descriptor) == 0,
            rename(temporary, path) == 0
        else { throw failure("\(link) can't be written", link) }
        done = true
        let opened = open(folder, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { return }
        _ = fsync(opened)
        close(opened)
    }

    private static func target(of path: String) -> String {
        guard let real = realpath(path, nil) else { return missingTarget(of: path) ?? path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Where a link leads that leads to nothing yet.
    private static func missingTarget(of link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { space in space.baseAddress.map { readlink(link, $0, space.count) } ?? -1 }
        }
        guard count > 0, count < buffer.count else { return nil }
        let target = String(decoding: buffer[..<count], as: UTF8.self)
        if target.hasPrefix("/") { return target }
        return link.lastIndex(of: "/").map { link[...$0] + target } ?? target
    }

    private static func failure(_ message: String, _ path: String) -> DevError {
        let number = errno
        let code: DevErrorCode =
            switch number {
            case ENOSPC, EDQUOT: .diskFull
            case EROFS: .readOnly
            default: .system
            }
        let help = code == .diskFull ? "Free some space on that disk" : "Name a file in a folder that you can write to"
        return DevError(code, message, object: path, cause: String(cString: strerror(number)), help: help)
    }

    private static func readSome(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private static func writeSome(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
        while true {
            let sent = systemWrite(descriptor, start, count)
            if sent >= 0 || errno != EINTR { return sent }
        }
    }
}

// The names of the system calls are those of the methods above.
private func systemRead(_ descriptor: Int32, _ start: UnsafeMutableRawPointer?, _ count: Int) -> Int { read(descriptor, start, count) }
private func systemWrite(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, start, count) }
