public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Copying a data directory: reflink when the file system can (found out by trying), else inside the kernel, else
/// read/write. All calls block: use `Loop.blocking`. Descriptors in use: at most 200 and two for each level of depth.
public enum TreeClone {
    /// How the blocks of the large files came over; small files are always read and written when there is no reflink.
    public enum Method: String, Sendable, Codable { case reflink, copyFileRange, copy }

    public struct Report: Sendable, Equatable {
        public var method: Method
        /// Regular files.
        public var files: Int
        /// Sum of the files' sizes.
        public var bytes: Int64
    }

    /// Copies folders, regular files and symbolic links (as links) with their modes; holes stay holes. Sockets,
    /// pipes and devices are left out; times and extended attributes are new.
    /// - Parameters:
    ///   - owner: given to everything when we are root; else all belongs to the caller.
    ///   - durable: all of it is on the disk before this returns (one syncfs where there is one, else fsync of each).
    /// - Throws: `exists` when something is at `target`, `not-found`, `disk-full`, `read-only`, `descriptor-limit`,
    ///   `system`. A failed clone leaves no target.
    @discardableResult
    public static func clone(_ source: String, to target: String, owner: (uid: UInt32, gid: UInt32)? = nil, durable: Bool) throws(DevError)
        -> Report
    {
        #if canImport(Darwin)
            if let report = try cloneWhole(source, to: target, owner: owner, durable: durable) { return report }
        #endif
        let sourceFolder = try Descriptor(source, O_RDONLY | O_DIRECTORY, "read folder")
        // Past this line the target is ours, and ours to remove.
        guard mkdir(target, 0o700) == 0 else { throw fileError(errno, "make", target) }
        do throws(DevError) {
            let targetFolder = try Descriptor(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, "open folder")
            let keep = Descriptor(owning: fcntl(targetFolder.raw, F_DUPFD_CLOEXEC, 0))
            guard keep.raw >= 0 else { throw fileError(errno, "open folder", target) }
            var walk = try CloneWalk(
                source: sourceFolder.release(), target: targetFolder.release(), path: source,
                plan: ClonePlan(owner: owner, syncEach: durable && !hasSyncfs))
            try walk.run()
            if durable {
                if hasSyncfs, retrying({ devdb_syncfs(keep.raw) }) != 0 { throw fileError(errno, "sync", target) }
                try DurableFile.syncFolder(DurableFile.split(target).folder)
            }
            return walk.report
        } catch {
            // The first error is the one to tell.
            try? remove(target)
            throw error
        }
    }

    /// For the folder in which clones are made and removed again and again (`HomeLayout.instances`, `spares`): asks
    /// ext4 to place each new subfolder in another block group. Without it, an ext4 that has no journal looks at
    /// every inode freed in the last minutes whenever a file is made: clones right after removals then took
    /// 400–700 ms instead of 30. A hint: file systems that do not know it say nothing.
    public static func spreadFolders(in path: String) {
        guard let folder = try? Descriptor(path, O_RDONLY | O_DIRECTORY, "open folder") else { return }
        _ = devdb_spread_folders(folder.raw)
    }

    /// Puts all of the path's file system on the disk, also what others wrote: for a clone that was not made durable
    /// and by now deserves it. Some 150 ms for a fresh template, longer on a busy disk.
    /// - Throws: `not-found`, `system`.
    public static func sync(_ path: String) throws(DevError) {
        let folder = try Descriptor(path, O_RDONLY, "sync")
        if hasSyncfs {
            guard retrying({ devdb_syncfs(folder.raw) }) == 0 else { throw fileError(errno, "sync", path) }
        } else {
            syncAll()
            guard retrying({ devdb_fsync(folder.raw) }) == 0 else { throw fileError(errno, "sync", path) }
        }
    }

    private static var hasSyncfs: Bool {
        #if os(Linux)
            true
        #else
            false
        #endif
    }

    /// Bytes that an ordinary user may still write on the path's file system (the servers run as one, also under
    /// root), and its size.
    public static func space(_ path: String) throws(DevError) -> (free: Int64, total: Int64) {
        var facts = statvfs()
        guard retrying({ statvfs(path, &facts) }) == 0 else { throw fileError(errno, "measure the disk of", path) }
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (product, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(by: Int64(clamping: facts.f_frsize))
            return overflow ? .max : product
        }
        return (bytes(facts.f_bavail), bytes(facts.f_blocks))
    }
}

// Inside `TreeClone` its own `sync` hides the C function.
private func syncAll() { sync() }
