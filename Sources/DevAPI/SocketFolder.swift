internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

enum SocketFolder {
    /// A folder of ours in /tmp could have been made by somebody else first, to be told passwords.
    static func check(_ layout: HomeLayout) throws(DevError) {
        var facts = stat()
        guard lstat(layout.sockets, &facts) == 0 else { return }
        let me = geteuid()
        let inHome = layout.sockets.hasPrefix(layout.root + "/")
        guard facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == me || facts.st_uid == 0 || (me == 0 && inHome) else {
            throw DevError(
                .daemonUnreachable, "The folder of the control socket is not yours", object: layout.sockets,
                cause: "it belongs to user \(facts.st_uid)", help: "Set DEVDB_HOME to a folder of your own, or remove it")
        }
    }
}
