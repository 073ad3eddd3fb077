#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Says of a new instance's folder that its data directory is whole, though perhaps not on the disk yet. It is good for
/// as long as the machine runs: what the kernel has in memory outlives a daemon, not a machine.
enum FillMark {
    private static func path(_ instanceDirectory: String) -> String { instanceDirectory + "/filled" }

    /// Plainly, without fsync. If it can't be written, a crash of the daemon undoes the creation.
    static func write(_ instanceDirectory: String) {
        let descriptor = open(path(instanceDirectory), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        let bytes = Array(ProcessFacts.machineStart.utf8)
        _ = bytes.withUnsafeBytes { raw in
            #if canImport(Darwin)
                Darwin.write(descriptor, raw.baseAddress, raw.count)
            #else
                Glibc.write(descriptor, raw.baseAddress, raw.count)
            #endif
        }
        close(descriptor)
    }

    static func remove(_ instanceDirectory: String) { unlink(path(instanceDirectory)) }

    /// The folder was filled since the machine was started.
    static func holds(_ instanceDirectory: String) -> Bool {
        let text = Paths.readText(path(instanceDirectory), limit: 128)
        return text != nil && text != "" && text == ProcessFacts.machineStart
    }
}
