internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// `errno` as a `DevError`: the codes that people can do something about have their own.
func fileError(_ number: Int32, _ action: String, _ path: String) -> DevError {
    let cause = String(cString: strerror(number))
    switch number {
    case ENOSPC, EDQUOT:
        return DevError(
            .diskFull, "Can't \(action) \(path)", object: path, cause: cause, help: "Free some space on that disk and try again")
    case EROFS:
        return DevError(
            .readOnly, "Can't \(action) \(path)", object: path, cause: cause,
            help: "Set DEVDB_HOME to a folder that can be written to")
    case EMFILE, ENFILE:
        return DevError(
            .descriptors, "Can't \(action) \(path)", object: path, cause: cause, help: "Raise the limit of open files (ulimit -n)")
    case EEXIST, ENOTEMPTY: return DevError(.exists, "Can't \(action) \(path)", object: path, cause: cause)
    case ENOENT: return DevError(.notFound, "Can't \(action) \(path)", object: path, cause: cause)
    default: return DevError(.system, "Can't \(action) \(path)", object: path, cause: cause)
    }
}

/// Calls again while a signal interrupts. Not for `close`.
@inline(__always)
func retrying<T: SignedInteger>(_ call: () -> T) -> T {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// An open descriptor with one owner.
struct Descriptor: ~Copyable {
    let raw: Int32

    init(owning raw: Int32) { self.raw = raw }

    /// - Parameter action: completes "Can't … <path>".
    init(_ path: String, _ flags: Int32, mode: mode_t = 0, _ action: String) throws(DevError) {
        raw = retrying { open(path, flags | O_CLOEXEC, mode) }
        guard raw >= 0 else { throw fileError(errno, action, path) }
    }

    deinit { close(raw) }

    consuming func release() -> Int32 {
        let result = raw
        discard self
        return result
    }
}

/// Writes all bytes at the current offset. - Returns: 0 or the errno.
func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    var rest = bytes
    while !rest.isEmpty {
        let count = retrying { write(descriptor, rest.baseAddress, rest.count) }
        if count < 0 { return errno }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    return 0
}
