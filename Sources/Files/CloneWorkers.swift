internal import Basics
internal import CPosix
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Copies batches of files on a few threads: most of the time goes into making files, which ext4 does for two
/// folders at once. Remembers for the whole clone what the file system can't do.
final class CloneWorkers: Sendable {
    private let plan: ClonePlan
    private let mayReflink = Atomic(true)
    private let mayCopyRange = Atomic(true)
    private let reflinked = Atomic(false)
    private let rangeCopied = Atomic(false)
    private let copied = Atomic(false)

    init(_ plan: ClonePlan) { self.plan = plan }

    /// The least of the methods used.
    var method: TreeClone.Method {
        if rangeCopied.load(ordering: .relaxed) { return .copyFileRange }
        if copied.load(ordering: .relaxed) { return .copy }
        return reflinked.load(ordering: .relaxed) ? .reflink : .copy
    }

    /// - Returns: the bytes of all files.
    func copy(_ files: [CloneFile]) throws(DevError) -> Int64 {
        guard !files.isEmpty else { return 0 }
        let batch = Batch(files)
        // A thread costs 50 µs, a file 30.
        let threads = min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1 + files.count / 16)
        parallel(threads) { self.work(batch) }
        if let failure = batch.failure { throw failure }
        return batch.bytes.load(ordering: .relaxed)
    }

    /// One batch, shared by the threads. `first` is protected by `lock`.
    private final class Batch: @unchecked Sendable {
        let files: [CloneFile]
        let next = Atomic(0)
        let bytes = Atomic<Int64>(0)
        let failed = Atomic(false)
        private let lock = Lock()
        private var first: DevError?

        init(_ files: [CloneFile]) { self.files = files }

        var failure: DevError? { lock.withLock { first } }

        func fail(_ error: DevError) {
            failed.store(true, ordering: .relaxed)
            lock.withLock { if first == nil { first = error } }
        }
    }

    /// Files that are written in one piece.
    private static let smallFile = 256 << 10
    /// Files taken at a time.
    private static let stride = 8

    private func work(_ batch: Batch) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: CloneWorkers.smallFile, alignment: 4096)
        defer { buffer.deallocate() }
        var bytes: Int64 = 0
        defer { batch.bytes.wrappingAdd(bytes, ordering: .relaxed) }
        while !batch.failed.load(ordering: .relaxed) {
            let start = batch.next.wrappingAdd(CloneWorkers.stride, ordering: .relaxed).oldValue
            guard start < batch.files.count else { return }
            for file in batch.files[start..<min(start + CloneWorkers.stride, batch.files.count)] {
                do throws(DevError) { bytes += try copy(file, buffer) } catch { return batch.fail(error) }
            }
        }
    }

    private func copy(_ file: CloneFile, _ buffer: UnsafeMutableRawBufferPointer) throws(DevError) -> Int64 {
        func failure(_ action: String) -> DevError { fileError(errno, action, file.pair.path + "/" + file.entry.text) }
        // O_NONBLOCK: should a pipe have taken the file's place.
        let sourceRaw = retrying { openat(file.pair.source, file.entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard sourceRaw >= 0 else { throw failure("read") }
        let source = Descriptor(owning: sourceRaw)
        var facts = stat()
        guard fstat(source.raw, &facts) == 0 else { throw failure("read") }
        let targetRaw = retrying {
            openat(file.pair.target, file.entry.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        guard targetRaw >= 0 else { throw failure("make a copy of") }
        let target = Descriptor(owning: targetRaw)
        if let owner = plan.owner, fchown(target.raw, owner.uid, owner.gid) != 0 { throw failure("change the owner of the copy of") }
        let mode = facts.st_mode & 0o7777
        if mode != 0o600, fchmod(target.raw, mode) != 0 { throw failure("change the mode of the copy of") }
        if facts.st_size > 0 {
            let done = try reflink(source.raw, target.raw)
            if !done, !copyContent(source.raw, target.raw, facts, buffer) { throw failure("copy") }
        }
        if plan.syncEach, fsync(target.raw) != 0 { throw failure("sync the copy of") }
        return Int64(facts.st_size)
    }

    /// False when the file system can't; remembered.
    private func reflink(_ source: Int32, _ target: Int32) throws(DevError) -> Bool {
        guard mayReflink.load(ordering: .relaxed) else { return false }
        if retrying({ devdb_reflink(target, source) }) == 0 {
            reflinked.store(true, ordering: .relaxed)
            return true
        }
        switch errno {
        // A full disk fails the copy too, with its own words; all else means that this pair of places can't.
        case ENOSPC, EDQUOT: return false
        default:
            mayReflink.store(false, ordering: .relaxed)
            return false
        }
    }

    /// False with errno set when it failed.
    private func copyContent(_ source: Int32, _ target: Int32, _ facts: stat, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let sparse = Int64(facts.st_blocks) * 512 < Int64(facts.st_size)
        guard sparse else { return copyRange(source, target, Int64(facts.st_size), buffer) }
        // Hole by hole. A file system that knows no holes says that all is data.
        var offset: off_t = 0
        while offset < facts.st_size {
            let data = devdb_next_data(source, offset)
            if data < 0 {
                if errno == ENXIO { break }
                return lseek(source, 0, SEEK_SET) == 0 && copyRange(source, target, Int64(facts.st_size), buffer)
            }
            let hole = devdb_next_hole(source, data)
            guard hole > data, lseek(source, data, SEEK_SET) == data, lseek(target, data, SEEK_SET) == data else { return false }
            guard copyRange(source, target, Int64(hole - data), buffer) else { return false }
            offset = hole
        }
        return ftruncate(target, facts.st_size) == 0
    }

    /// `length` bytes from the current offsets on; a source that has become shorter ends it.
    private func copyRange(_ source: Int32, _ target: Int32, _ length: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        var rest = length
        while rest > 0, length > Int64(CloneWorkers.smallFile), mayCopyRange.load(ordering: .relaxed) {
            let count = retrying { devdb_copy_range(source, target, Int(min(rest, 1 << 30))) }
            if count > 0 {
                rangeCopied.store(true, ordering: .relaxed)
                rest -= Int64(count)
                continue
            }
            switch count < 0 ? errno : 0 {
            case ENOSPC, EDQUOT, EIO, EFBIG: return false
            // Some kernels answer 0 for files of special file systems: reading tells whether it is the end.
            default: mayCopyRange.store(false, ordering: .relaxed)
            }
        }
        while rest > 0 {
            let wanted = Int(min(rest, Int64(buffer.count)))
            let count = retrying { read(source, buffer.baseAddress, wanted) }
            if count == 0 { return true }
            if count < 0 { return false }
            let number = writeAll(target, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            if number != 0 {
                errno = number
                return false
            }
            rest -= Int64(count)
            copied.store(true, ordering: .relaxed)
        }
        return true
    }
}

/// Runs the body on the calling thread and `count - 1` new ones, and returns when all have.
private func parallel(_ count: Int, _ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var threads: [pthread_t] = []
    for _ in 1..<max(1, count) {
        let box = Unmanaged.passRetained(Box(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                    Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                #else
                    if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                #endif
                return nil
            }, box.toOpaque())
        // No thread to be had: the others do its work.
        guard status == 0 else {
            box.release()
            break
        }
        #if canImport(Darwin)
            if let thread { threads.append(thread) }
        #else
            threads.append(thread)
        #endif
    }
    body()
    for thread in threads { pthread_join(thread, nil) }
}
