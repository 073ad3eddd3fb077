internal import CLibpq

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// libpq fills what a connection does not say from PG… variables: a PGOPTIONS or PGSERVICE in the shell that
/// happened to start the daemon would change, or break, all its sessions.
public enum LibpqEnvironment {
    /// Forgets these variables. Call at the start of `main`, before there are threads.
    public static func clear() {
        // Read by libpq outside its table of options.
        for name in ["PGTZ", "PGDATESTYLE", "PGGEQO", "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR"] { unsetenv(name) }
        guard let options = PQconndefaults() else { return }
        defer { PQconninfoFree(options) }
        var option = options
        while option.pointee.keyword != nil {
            if let name = option.pointee.envvar { unsetenv(name) }
            option += 1
        }
    }
}
