#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// `errno` of a failed system call as a `DevError`; what people can do something about has its own code.
/// - Parameters:
///   - call: what failed, such as `bind`.
///   - object: what it failed on: a path, a port, a pid.
///   - number: `errno`, read right after the call. libuv's negative error numbers are taken too.
public func posixError(_ call: String, object: String, errno number: Int32) -> DevError {
    let number = number == .min ? 0 : abs(number)
    let cause = "\(call): \(String(cString: strerror(number)))"
    switch number {
    case EMFILE, ENFILE:
        return DevError(
            .descriptors, "No file descriptor is left for \(object)", object: object, cause: cause,
            help: "Raise the limit of open files (ulimit -n)")
    case EADDRINUSE:
        return DevError(.portTaken, "\(object) is already in use", object: object, cause: cause)
    case ENOSPC, EDQUOT:
        return DevError(
            .diskFull, "No space is left for \(object)", object: object, cause: cause,
            help: "Free some space on that disk and try again")
    case EROFS:
        return DevError(
            .readOnly, "\(object) is on a read-only file system", object: object, cause: cause,
            help: "Set DEVDB_HOME to a folder that can be written to")
    case EACCES, EPERM:
        return DevError(
            .system, "The system does not allow the use of \(object)", object: object, cause: cause,
            help: "Check its owner and mode")
    default:
        return DevError(.system, "The system failed on \(object)", object: object, cause: cause)
    }
}
