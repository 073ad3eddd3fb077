#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// libpq fills what a connection does not say from PG… variables: a PGOPTIONS or PGSERVICE in the shell that
/// happened to start the daemon would change, or break, all its sessions.
public enum LibpqEnvironment {
    /// Forgets every variable whose name begins with PG. Call at the start of `main`, before there are threads.
    public static func clear() {
        var names: [String] = []
        var entry = environ
        while let text = entry.pointee {
            let name = String(cString: text).prefix { $0 != "=" }
            if name.hasPrefix("PG") { names.append(String(name)) }
            entry += 1
        }
        for name in names { unsetenv(name) }
    }
}
