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
        shmctl(id, IPC_RMID, nil)
    }
}
