internal import Basics
internal import Files
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The blocking part of a launch: everything that must be right in an instance's folders before its server is spawned.
struct ServerFolder: Sendable {
    let layout: HomeLayout
    let user: ServersUser?
    let id: String
    let name: InstanceName

    /// A server's log is begun anew above this size; three old ones are kept.
    static let logLimit: Int64 = 10 << 20
    private static let keptLogs = 3

    var instance: String { layout.instanceDirectory(id) }
    var data: String { layout.dataDirectory(id) }
    var sockets: String { layout.socketDirectory(id) }

    /// The major version of the data.
    /// - Throws: `broken` when there is no data directory.
    func dataVersion() throws(DevError) -> String {
        guard let text = Paths.readText(data + "/PG_VERSION", limit: 64) else {
            throw DevError(
                .broken, "The data directory of \(name) is missing", object: name.text, cause: "there is no \(data)/PG_VERSION",
                help: "Put it back, or run dev rm \(name)")
        }
        return String(text.prefix { !$0.isWhitespace })
    }

    /// Writes what is ours and makes the private socket folder.
    func prepare(profile: String, major: Int, settings: [String: String]) throws(DevError) {
        // Without fsync: each start compares it with what it should be, so that what a crash took is written again.
        try OwnedFile.update(
            ServerSettings.file(profile: profile, major: major, name: name.text, settings: settings), at: data + "/devdb.conf", user: user,
            durable: false)
        let rules = data + "/pg_hba.conf"
        try OwnedFile.update(HostRules.file(present: Paths.readText(rules)), at: rules, user: user)
        // The folder above is all servers' and may have been removed under a living daemon.
        try DurableFile.makeFolder(layout.sockets, mode: user == nil ? 0o700 : 0o711)
        try DurableFile.makeFolder(sockets, mode: 0o700, owner: user?.ids)
        // A folder of that name by somebody else (the sockets may be under /tmp) would let them in.
        guard let owner = Paths.owner(sockets), owner.uid == user?.uid ?? geteuid(), owner.mode & 0o077 == 0 else {
            throw DevError(
                .system, "The socket folder \(sockets) is not ours alone", object: sockets, cause: "wrong owner or mode",
                help: "Remove it and try again")
        }
    }

    /// A lock file whose pid lives but is no server of ours keeps PostgreSQL from starting. The pid in it becomes one
    /// that nobody can have; the rest stays, so that PostgreSQL still finds and frees the old shared memory. The lock of
    /// the socket says nothing that the data directory's does not: it goes.
    func disarmStaleLock() throws(DevError) {
        unlink(sockets + "/.s.PGSQL.5432.lock")
        let path = data + "/postmaster.pid"
        guard let text = Paths.readText(path, limit: 4096) else { return }
        guard let file = PostmasterFile(text) else {
            // Empty or garbage: PostgreSQL refuses such a file ("bogus data").
            unlink(path)
            return
        }
        guard ProcessFacts.isAlive(file.pid < 0 ? (file.pid == .min ? 0 : -file.pid) : file.pid) else { return }
        let rest = text.drop { $0 != "\n" }
        try OwnedFile.write("\(ServerFolder.nobodysPid)" + rest, to: path, user: user)
    }

    /// Above every kernel's largest pid (Linux: 4,194,304; macOS: 99,998).
    private static let nobodysPid = 99_999_999

    /// Opens the log for appending, begun anew if it is long.
    func openLog() throws(DevError) -> (descriptor: Int32, offset: Int64) {
        let path = layout.serverLog(id)
        if let stamp = Paths.stamp(path), stamp.size > ServerFolder.logLimit { ServerFolder.shift(path) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Paths.failure("Opening", path) }
        if let user { _ = fchown(descriptor, user.uid, user.gid) }
        return (descriptor, Int64(lseek(descriptor, 0, SEEK_END)))
    }

    /// server.log → .1 → .2 → .3
    private static func shift(_ path: String) {
        for number in stride(from: keptLogs - 1, through: 1, by: -1) { rename("\(path).\(number)", "\(path).\(number + 1)") }
        rename(path, path + ".1")
    }

    /// The same while the server runs: it goes on writing to its descriptor, so the content is copied and the file
    /// emptied. Lines written in between are lost; the log is for people.
    static func shortenLog(_ path: String, user: ServersUser?) {
        let text = Paths.tail(path, bytes: Int(logLimit))
        for number in stride(from: keptLogs - 1, through: 1, by: -1) { rename("\(path).\(number)", "\(path).\(number + 1)") }
        try? OwnedFile.write(text, to: path + ".1", user: user)
        truncate(path, 0)
    }

    /// A text that changes when something changes that can keep a server from starting: files, whose they are, room, and what the registry has
    /// of settings, which is not in a file before the start.
    func cause(_ record: InstanceRecord) -> String {
        let files = ["PG_VERSION", "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf"].map { data + "/" + $0 }
        var parts = (files + [record.pgBin + "/postgres"]).map { Paths.stamp($0)?.text ?? "-" }
        let owned = ["", "/PG_VERSION", "/base", "/global", "/global/pg_control", "/pg_wal", "/pg_xact", "/postgresql.conf"].map {
            data + $0
        }
        parts += owned.map { Paths.owner($0).map { "\($0.uid).\($0.mode)" } ?? "-" }
        parts.append("closed \(user?.closedFolder(on: instance) ?? "-")")
        if case .doubtful(let pid, _) = ServerProof.examine(dataDirectory: data, noted: nil) { parts.append("pid \(pid)") }
        // Not the bytes, which change all the time, but their magnitude.
        let megabytes = ((try? TreeClone.space(layout.instances))?.free ?? 0) >> 20
        parts.append("room \(Int64.bitWidth - megabytes.leadingZeroBitCount)")
        parts.append(record.profile)
        parts += record.settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return parts.joined(separator: " ")
    }
}
