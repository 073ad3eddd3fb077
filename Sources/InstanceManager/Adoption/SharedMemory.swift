#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// System V shared memory that a killed postmaster left behind. Its next start frees it; a removed instance has none.
enum SharedMemory {
    /// Frees the segment that the lock file names, if nobody is attached and its key is that file's.
    static func free(dataDirectory: String) {
        guard let memory = PostmasterFile.read(dataDirectory)?.sharedMemory, let id = Int32(exactly: memory.id) else { return }
        var facts = shmid_ds()
        guard shmctl(id, IPC_STAT, &facts) == 0, facts.shm_nattch == 0 else { return }
        #if os(Linux)
            // The id may be another program's by now.
            guard
                Int(facts.shm_perm.__key) == memory.key
                    || UInt32(bitPattern: facts.shm_perm.__key) == UInt32(truncatingIfNeeded: memory.key)
            else { return }
        #else
            guard Int(facts.shm_perm._key) == memory.key else { return }
        #endif
        #if os(Linux)
            freeDynamic(of: id, dataDirectory: dataDirectory)
        #endif
        shmctl(id, IPC_RMID, nil)
    }

    #if os(Linux)
        /// POSIX segments (parallel queries, statistics), which the System V segment alone leads to: PGShmemHeader
        /// (pg_shmem.h) names the control segment, which lists the others (dsm.c).
        private static func freeDynamic(of id: Int32, dataDirectory: String) {
            guard let start = shmat(id, nil, Int32(SHM_RDONLY)), Int(bitPattern: start) != -1 else { return }
            let header = UnsafeRawBufferPointer(start: start, count: 28)
            let (magic, control) = (number(header, 0), number(header, 24))
            shmdt(start)
            guard magic == 679_834_894, let control, control != 0 else { return }
            let path = "/dev/shm/PostgreSQL.\(control)"
            guard let bytes = Paths.read(path), number(bytes, 0) == 0x9a50_3d32, let count = number(bytes, 4) else { return }
            let version = Paths.readText(dataDirectory + "/PG_VERSION", limit: 64)?.prefix { $0.isNumber }
            // Two numbers of eight bytes were added in 14.
            let size = (version.flatMap { Int($0) } ?? 0) >= 14 ? 40 : 24
            for index in 0..<Int(min(count, 65_536)) {
                guard let handle = number(bytes, 16 + index * size), let references = number(bytes, 20 + index * size) else { break }
                if references > 0 { unlink("/dev/shm/PostgreSQL.\(handle)") }
            }
            unlink(path)
        }

        private static func number(_ bytes: some RandomAccessCollection<UInt8>, _ offset: Int) -> UInt32? {
            guard offset + 4 <= bytes.count else { return nil }
            // In the machine's order: little-endian wherever this runs.
            return bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    #endif
}
