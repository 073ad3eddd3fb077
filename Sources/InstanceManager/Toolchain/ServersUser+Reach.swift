#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension ServersUser {
    /// The first folder on the way to the path, itself included, that the user may not enter; nil: it can be reached. By the folders'
    /// modes, so that lists of rights and further groups are not seen: an explanation for what failed, no ground to refuse.
    public func closedFolder(on path: String) -> String? {
        var folder = ""
        for part in path.split(separator: "/") {
            folder += "/" + part
            var facts = stat()
            guard stat(folder, &facts) == 0 else { return nil }
            let wanted = facts.st_uid == uid ? S_IXUSR : facts.st_gid == gid ? S_IXGRP : S_IXOTH
            if facts.st_mode & wanted == 0 { return folder }
        }
        return nil
    }

    /// What to do about such a folder.
    public func helpToReach(_ folder: String) -> String {
        "Let \(name) enter it (chmod o+x \(folder)), or set DEVDB_HOME to a folder that \(name) can reach"
    }
}
