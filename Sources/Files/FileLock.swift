public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// An flock on an open descriptor: the kernel lets go when the process ends, however it ends. Held until `deinit`.
/// The file stays; it holds the owner's pid as text, for messages only.
public final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    // The descriptor is close-on-exec, so no child keeps the lock alive.
    deinit { close(descriptor) }

    /// - Returns: nil when another holds it, be it in this process.
    /// - Throws: `not-found` (the folder), `read-only`, `disk-full`, `system`.
    public static func acquire(_ path: String) throws(DevError) -> FileLock? {
        // Somebody may remove or replace the file between our open and our flock; a lock on a nameless file
        // locks out nobody.
        for _ in 0..<100 {
            let file = try Descriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, "open lock file")
            if retrying({ flock(file.raw, LOCK_EX | LOCK_NB) }) != 0 {
                if errno == EWOULDBLOCK { return nil }
                throw fileError(errno, "lock", path)
            }
            var mine = stat()
            var named = stat()
            guard fstat(file.raw, &mine) == 0 else { throw fileError(errno, "lock", path) }
            guard stat(path, &named) == 0, named.st_ino == mine.st_ino, named.st_dev == mine.st_dev else { continue }
            var line = Array("\(getpid())\n".utf8)
            // For messages only, so a full disk does not keep anybody from the lock.
            if ftruncate(file.raw, 0) == 0 { _ = line.withUnsafeMutableBytes { write(file.raw, $0.baseAddress, $0.count) } }
            return FileLock(descriptor: file.release())
        }
        throw DevError(.system, "Can't lock \(path)", object: path, cause: "the file is replaced again and again")
    }

    /// The pid that took the lock last: who holds it when `acquire` gave nil.
    public static func holder(_ path: String) -> Int32? {
        guard let bytes = try? DurableFile.read(path, limit: 64) else { return nil }
        return Int32(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self))
    }
}
