internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What all parts of one clone know.
struct ClonePlan: Sendable {
    var owner: (uid: UInt32, gid: UInt32)?
    /// fsync of each file and folder as it is done.
    var syncEach: Bool
}

/// A folder and its copy, open as long as somebody has work in them.
final class FolderPair: Sendable {
    let source: Int32
    let target: Int32
    /// Of the source; for messages.
    let path: String

    init(source: Int32, target: Int32, path: String) {
        self.source = source
        self.target = target
        self.path = path
    }

    deinit {
        close(source)
        close(target)
    }
}

struct CloneFile: Sendable {
    var pair: FolderPair
    var entry: FolderEntry
}

/// Walks the source depth first, makes folders and links as it meets them, and hands the files out in batches to
/// `CloneWorkers`. Depth first and in batches, so that a cluster with thousands of databases needs few descriptors.
struct CloneWalk: ~Copyable {
    private static let foldersPerBatch = 64

    private let plan: ClonePlan
    private let workers: CloneWorkers
    private var pending: [(parent: FolderPair, entry: FolderEntry)] = []
    private var files: [CloneFile] = []
    /// Folders that even their owner can't write to get their mode when they are full.
    private var sealed: [(pair: FolderPair, mode: mode_t)] = []
    private let root: FolderPair
    private let targetIdentity: (dev_t, ino_t)
    private(set) var report = TreeClone.Report(method: .copy, files: 0, bytes: 0)

    /// Takes both descriptors.
    init(source: Int32, target: Int32, path: String, plan: ClonePlan) throws(DevError) {
        root = FolderPair(source: source, target: target, path: path)
        self.plan = plan
        workers = CloneWorkers(plan)
        var facts = stat()
        guard fstat(target, &facts) == 0 else { throw fileError(errno, "clone", path) }
        targetIdentity = (facts.st_dev, facts.st_ino)
    }

    mutating func run() throws(DevError) {
        try enter(root)
        var folders = 1
        while let (parent, entry) = pending.popLast() {
            try enter(makeFolder(parent, entry))
            folders += 1
            if folders % CloneWalk.foldersPerBatch == 0 { try copyFiles() }
        }
        try copyFiles()
        for (pair, mode) in sealed.reversed() {
            guard fchmod(pair.target, mode) == 0 else { throw fileError(errno, "change the mode of", pair.path) }
        }
        report.method = workers.method
    }

    private mutating func copyFiles() throws(DevError) {
        report.files += files.count
        report.bytes += try workers.copy(files)
        files.removeAll(keepingCapacity: true)
    }

    private mutating func enter(_ pair: FolderPair) throws(DevError) {
        var facts = stat()
        guard fstat(pair.source, &facts) == 0 else { throw fileError(errno, "read folder", pair.path) }
        guard (facts.st_dev, facts.st_ino) != targetIdentity else {
            throw DevError(.system, "Can't clone \(root.path) into itself", object: pair.path)
        }
        if let owner = plan.owner, fchown(pair.target, owner.uid, owner.gid) != 0 {
            throw fileError(errno, "change the owner of the copy of", pair.path)
        }
        let mode = facts.st_mode & 0o7777
        if mode & 0o700 != 0o700 {
            sealed.append((pair, mode))
        } else if mode != 0o700, fchmod(pair.target, mode) != 0 {
            throw fileError(errno, "change the mode of the copy of", pair.path)
        }
        for entry in try FolderEntry.all(of: pair.source, path: pair.path) {
            switch entry.kind {
            case .file: files.append(CloneFile(pair: pair, entry: entry))
            case .folder: pending.append((pair, entry))
            case .link: try copyLink(pair, entry)
            case .other: break
            }
        }
        if plan.syncEach, fsync(pair.target) != 0 { throw fileError(errno, "sync the copy of", pair.path) }
    }

    private func makeFolder(_ parent: FolderPair, _ entry: FolderEntry) throws(DevError) -> FolderPair {
        let path = parent.path + "/" + entry.text
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let source = openat(parent.source, entry.name, flags)
        guard source >= 0 else { throw fileError(errno, "read folder", path) }
        let sourceFolder = Descriptor(owning: source)
        guard mkdirat(parent.target, entry.name, 0o700) == 0 else { throw fileError(errno, "make a copy of", path) }
        let target = openat(parent.target, entry.name, flags)
        guard target >= 0 else { throw fileError(errno, "make a copy of", path) }
        return FolderPair(source: sourceFolder.release(), target: target, path: path)
    }

    private func copyLink(_ pair: FolderPair, _ entry: FolderEntry) throws(DevError) {
        let path = pair.path + "/" + entry.text
        var text = [CChar](repeating: 0, count: 4097)
        let length = readlinkat(pair.source, entry.name, &text, text.count - 1)
        guard length >= 0 else { throw fileError(errno, "read link", path) }
        text[length] = 0
        guard symlinkat(text, pair.target, entry.name) == 0 else { throw fileError(errno, "make a copy of", path) }
        if let owner = plan.owner, fchownat(pair.target, entry.name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0 {
            throw fileError(errno, "change the owner of the copy of", path)
        }
    }
}
