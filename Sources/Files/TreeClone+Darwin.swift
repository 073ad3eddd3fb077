#if canImport(Darwin)
    internal import Basics
    internal import Darwin

    extension TreeClone {
        /// APFS clones a whole tree in one call.
        /// - Returns: nil when the file system can't (or an owner is to be set), and all is to be copied by hand.
        static func cloneWhole(
            _ source: String, to target: String, owner: (uid: UInt32, gid: UInt32)?, durable: Bool
        ) throws(DevError) -> Report? {
            if let owner, owner.uid != geteuid() { return nil }
            // What clonefile leaves behind when it fails half-way is ours to remove only if nothing was there before.
            var facts = stat()
            guard lstat(target, &facts) != 0 else { throw fileError(EEXIST, "make", target) }
            guard clonefile(source, target, UInt32(CLONE_NOFOLLOW)) == 0 else {
                switch errno {
                case EEXIST, ENOENT, ENOSPC, EROFS: throw fileError(errno, "make", target)
                default:
                    try? remove(target)
                    return nil
                }
            }
            var report = Report(method: .reflink, files: 0, bytes: 0)
            do throws(DevError) {
                try count(target, &report)
                if durable {
                    try DurableFile.syncFolder(target)
                    try DurableFile.syncFolder(DurableFile.split(target).folder)
                }
            } catch {
                try? remove(target)
                throw error
            }
            return report
        }

        private static func count(_ path: String, _ report: inout Report) throws(DevError) {
            let folder = try Descriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, "read folder")
            for entry in try FolderEntry.all(of: folder.raw, path: path) {
                switch entry.kind {
                case .folder: try count(path + "/" + entry.text, &report)
                case .file:
                    var facts = stat()
                    guard fstatat(folder.raw, entry.name, &facts, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
                    report.files += 1
                    report.bytes += Int64(facts.st_size)
                case .link, .other: break
                }
            }
        }
    }
#endif
