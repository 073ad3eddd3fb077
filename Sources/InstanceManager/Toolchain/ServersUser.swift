public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Whom the servers run as. PostgreSQL refuses root; started as root, the daemon runs them as somebody else (design §2).
public struct ServersUser: Sendable, Equatable {
    public var name: String
    public var uid: UInt32
    public var gid: UInt32

    /// - Returns: nil when we are not root: the servers run as we do.
    /// - Throws: `bad-configuration` when `DEVDB_RUN_AS` names nobody or root.
    public static func resolve(environment: [String: String], userID: UInt32? = nil) throws(DevError) -> ServersUser? {
        guard userID ?? geteuid() == 0 else { return nil }
        if let wanted = environment["DEVDB_RUN_AS"], !wanted.isEmpty {
            guard let user = find(wanted) else {
                throw DevError(
                    .badConfiguration, "DEVDB_RUN_AS names \(wanted), who is no user of this machine", object: wanted,
                    help: "Set DEVDB_RUN_AS to an ordinary user's name")
            }
            guard user.uid != 0 else {
                throw DevError(
                    .badConfiguration, "DEVDB_RUN_AS names root, and PostgreSQL does not run as root", object: wanted,
                    help: "Set DEVDB_RUN_AS to an ordinary user's name")
            }
            return user
        }
        for candidate in ["postgres", "_postgres", "devdb", "nobody"] {
            if let user = find(candidate), user.uid != 0 { return user }
        }
        throw DevError(
            .badConfiguration, "There is no ordinary user to run PostgreSQL as", object: "root",
            help: "Set DEVDB_RUN_AS to an ordinary user's name")
    }

    /// Of the user that we are.
    static var nameOfOurs: String { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())" }

    var ids: (uid: UInt32, gid: UInt32) { (uid, gid) }

    /// By name, or by number for containers that have no passwd entry.
    private static func find(_ text: String) -> ServersUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        if getpwnam_r(text, &entry, &buffer, buffer.count, &found) == 0, found != nil {
            return ServersUser(name: text, uid: entry.pw_uid, gid: entry.pw_gid)
        }
        guard let number = UInt32(text) else { return nil }
        if getpwuid_r(number, &entry, &buffer, buffer.count, &found) == 0, found != nil {
            return ServersUser(name: text, uid: number, gid: entry.pw_gid)
        }
        return ServersUser(name: text, uid: number, gid: number)
    }
}
