#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Where everything in a home is. Paths only, no I/O but reading the environment; the one home of these facts
/// for `dev` and `devd`.
public struct HomeLayout: Sendable, Equatable {
    /// Absolute path without a trailing slash.
    public let root: String

    public init(root: String) { self.root = root }

    /// `DEVDB_HOME`; else for root `/var/lib/devdb` (a home under /root is out of the servers' user's reach,
    /// design §2); else `$XDG_DATA_HOME/devdb`, `~/.local/share/devdb`, on macOS `~/Library/Application Support/devdb`.
    public static func resolve(environment: [String: String], userID: UInt32, workingDirectory: String) -> HomeLayout {
        func absolute(_ path: String) -> String {
            var text = path.hasPrefix("/") ? path : workingDirectory + "/" + path
            while text.count > 1, text.hasSuffix("/") { text.removeLast() }
            return text
        }
        if let home = environment["DEVDB_HOME"], !home.isEmpty { return HomeLayout(root: absolute(home)) }
        if userID == 0 { return HomeLayout(root: "/var/lib/devdb") }
        let user = environment["HOME"] ?? "/"
        #if canImport(Darwin)
            return HomeLayout(root: absolute(user + "/Library/Application Support/devdb"))
        #else
            if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
                return HomeLayout(root: absolute(data + "/devdb"))
            }
            return HomeLayout(root: absolute(user + "/.local/share/devdb"))
        #endif
    }

    /// Held exclusively (flock) by the one daemon of the home.
    public var lockFile: String { root + "/devd.lock" }
    public var daemonLog: String { root + "/devd.log" }
    public var registry: String { root + "/registry.sqlite" }
    /// One data directory per PostgreSQL build and profile, as `initdb` left it.
    public var templates: String { root + "/templates" }
    /// Clones made ahead; at most one per template.
    public var spares: String { root + "/spares" }
    public var instances: String { root + "/instances" }
    /// What was removed, kept 7 days.
    public var trash: String { root + "/trash" }
    /// Our hand-off library, where the servers' user can read it.
    public var library: String { root + "/lib" }

    public func instanceDirectory(_ id: String) -> String { instances + "/" + id }
    public func dataDirectory(_ id: String) -> String { instanceDirectory(id) + "/data" }
    public func serverLog(_ id: String) -> String { instanceDirectory(id) + "/server.log" }

    /// The folder of all sockets, 0711 under root and else 0700: in the home when the path is short enough for
    /// `sockaddr_un` (107 bytes, macOS 103), else a folder of ours in /tmp with the home's hash in its name.
    public var sockets: String {
        // The longest: <sockets>/<8 hex digits>/.s.PGSQL.5432.lock
        if root.utf8.count + "/run/01234567/.s.PGSQL.5432.lock".utf8.count <= 103 { return root + "/run" }
        return "/tmp/devdb-\(getuid())-\(HomeLayout.hash(root))"
    }
    public var controlSocket: String { sockets + "/devd.sock" }
    /// The private socket folder of one instance (0700, owned by the servers' user).
    public func socketDirectory(_ id: String) -> String { sockets + "/" + id }

    /// FNV-1a, 64 bit: a name for a path, not a protection (the folder's owner and mode are checked).
    static func hash(_ text: String) -> String {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
