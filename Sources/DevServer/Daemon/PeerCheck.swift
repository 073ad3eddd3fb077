internal import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

enum PeerCheck {
    /// The other end of a Unix socket is our own user or root. The socket's mode says the same; this holds also where a
    /// system does not look at a socket's mode.
    static func isOurs(_ descriptor: Int32) -> Bool {
        var user: uid_t = 0
        guard devdb_peer_user(descriptor, &user) == 0 else { return false }
        return user == geteuid() || user == 0
    }
}
