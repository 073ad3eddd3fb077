public import Basics

// STUB: signatures to code against. All calls block: use `Loop.blocking`.

/// Writing so that a crash leaves the old or the new content, never a mixture: temp file, fsync, rename, fsync of the folder.
public enum DurableFile {
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt16 = 0o600) throws(DevError) { fatalError() }
    public static func read(_ path: String, limit: Int = 16 << 20) throws(DevError) -> [UInt8] { fatalError() }
    public static func rename(_ source: String, _ target: String) throws(DevError) { fatalError() }
    /// mkdir -p, each new folder with the mode.
    public static func makeFolder(_ path: String, mode: UInt16 = 0o700, owner: (uid: UInt32, gid: UInt32)? = nil) throws(DevError) {
        fatalError()
    }
}

/// An flock on an open descriptor: the kernel lets go when the process ends.
public final class FileLock: Sendable {
    /// - Returns: nil when another process holds it.
    public static func acquire(_ path: String) throws(DevError) -> FileLock? { fatalError() }
}

/// Copying a data directory: reflink when the file system can (found out by trying), else copy_file_range, else read/write.
public enum TreeClone {
    public enum Method: String, Sendable, Codable { case reflink, copyFileRange, copy }
    public struct Report: Sendable, Equatable {
        public var method: Method
        public var files: Int
        public var bytes: Int64
    }
    /// - Parameter durable: fsync files and folders (one syncfs where there is one) before returning.
    /// - Throws: `exists` when the target is there; `disk-full`. A failed clone leaves no target.
    public static func clone(_ source: String, to target: String, owner: (uid: UInt32, gid: UInt32)? = nil, durable: Bool) throws(DevError)
        -> Report
    { fatalError() }
    /// Removes a tree. Never follows symbolic links out of it (pg_wal, tablespaces).
    public static func remove(_ path: String) throws(DevError) { fatalError() }
    /// Bytes free for us on the path's file system, and its size.
    public static func space(_ path: String) throws(DevError) -> (free: Int64, total: Int64) { fatalError() }
}
