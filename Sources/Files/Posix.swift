internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// `errno` as a `DevError`; what callers ask for by its code is told apart.
/// - Parameter action: completes "Can't … <path>".
func fileError(_ number: Int32, _ action: String, _ path: String) -> DevError {
    switch number {
    case EEXIST, ENOTEMPTY: DevError(.exists, "Can't \(action) \(path)", object: path, cause: String(cString: strerror(number)))
    case ENOENT: DevError(.notFound, "Can't \(action) \(path)", object: path, cause: String(cString: strerror(number)))
    default: posixError(action, object: path, errno: number)
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
