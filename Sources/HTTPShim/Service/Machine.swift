#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

enum Machine {
    /// Processors in use.
    static let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
