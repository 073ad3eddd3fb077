internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A small file that the servers' user reads: temp file, owner, fsync, rename. Unlike `DurableFile` it never exists
/// under its name with the wrong owner.
enum OwnedFile {
    /// - Parameter durable: false for what can be made again: after a crash of the machine it may be empty.
    static func write(_ text: String, to path: String, user: ServersUser?, durable: Bool = true) throws(DevError) {
        let temporary = path + ".devdb-new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Paths.failure("Writing", temporary) }
        var open = true
        func abandon(_ what: String) -> DevError {
            let error = Paths.failure(what, path)
            if open { close(descriptor) }
            unlink(temporary)
            return error
        }
        if let user, fchown(descriptor, user.uid, user.gid) != 0 { throw abandon("Giving away") }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { raw in
                #if canImport(Darwin)
                    Darwin.write(descriptor, raw.baseAddress, raw.count)
                #else
                    Glibc.write(descriptor, raw.baseAddress, raw.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw abandon("Writing") }
            rest = rest.dropFirst(count)
        }
        guard !durable || fsync(descriptor) == 0 else { throw abandon("Synchronizing") }
        open = false
        guard close(descriptor) == 0 else { throw abandon("Closing") }
        guard rename(temporary, path) == 0 else { throw abandon("Renaming") }
    }

    /// Writes only if the content differs: a start that changes nothing costs no fsync.
    static func update(_ text: String, at path: String, user: ServersUser?, durable: Bool = true) throws(DevError) {
        if Paths.read(path) == Array(text.utf8) { return }
        try write(text, to: path, user: user, durable: durable)
    }
}
