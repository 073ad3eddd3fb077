#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

enum ResourceLimit {
    /// Open files this process may have.
    static var descriptors: UInt64 {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        return UInt64(limit.rlim_cur)
    }

    /// To the hard limit: each client costs one descriptor or two, and the usual soft limit is 1024.
    static func raiseDescriptors() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        #if canImport(Darwin)
            // The kernel refuses more than OPEN_MAX here, whatever the hard limit says.
            limit.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
        #else
            // Not without end: closing all descriptors of a child would take long where the limit is a billion.
            limit.rlim_cur = min(limit.rlim_max, 1 << 20)
        #endif
        setrlimit(resource, &limit)
    }

    #if canImport(Darwin)
        private static let resource = RLIMIT_NOFILE
    #else
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif
}
