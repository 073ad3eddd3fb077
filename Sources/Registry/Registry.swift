public import Basics
internal import Files

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What must be known after a crash: SQLite, WAL, synchronous=FULL, so that what a call has returned from is on
/// the disk. Passwords are in it as URLs show them, so the file is 0600. All calls block (12 µs to some ms for a
/// commit): use `Loop.blocking`. Any thread may call; one connection serves all, one call after the other.
public final class Registry: @unchecked Sendable {
    // `lock` protects `database` and `isDurable`.
    private let lock = Lock()
    private let database: Database
    /// What the connection does with a commit now.
    private var isDurable = true

    public let path: String

    /// Opens or creates the file (0600), checks it, migrates it. The caller holds the home's lock.
    /// - Throws: `newer-state`, `corrupt-state` (also when the file is gone but its copy is there), `read-only`,
    ///   `disk-full`, `system`. Nothing is ever deleted.
    public init(path: String) throws(DevError) {
        self.path = path
        try Registry.prepareFile(path)
        database = try Database(path: path)
        try database.run("PRAGMA foreign_keys = ON")
        // The first read: "not a database" is said here. Before the migrations, whose names would be misread.
        let findings = try database.rows("PRAGMA quick_check(3)") { $0.text(0) }
        guard findings == ["ok"] else { throw RegistryError.corrupt(path, cause: findings.joined(separator: "; ")) }
        let pending = try Migrations.pending(database)
        _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
        try database.run("PRAGMA synchronous = FULL")
        if !pending.isEmpty {
            if pending.count < Migrations.all.count { try backup() }
            try Migrations.apply(database)
        }
    }

    /// SQLite gives -wal and -shm the mode of the main file, so that one has it from the start.
    private static func prepareFile(_ path: String) throws(DevError) {
        var facts = stat()
        let found = stat(path, &facts) == 0
        if !found || facts.st_size == 0, RegistryError.exists(backupPath(path)) { throw RegistryError.missing(path) }
        guard !found else {
            // By path: closing a descriptor of our own would drop the locks of every SQLite connection to the file.
            if facts.st_mode & 0o077 != 0, chmod(path, 0o600) != 0, errno == EROFS { throw RegistryError.readOnly(path) }
            return
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EROFS ? RegistryError.readOnly(path) : posixError("make the registry", object: path, errno: errno)
        }
        close(descriptor)
    }

    static func backupPath(_ path: String) -> String { path + ".backup" }

    /// Writes a whole copy beside the file (`registry.sqlite.backup`, 0600, durable), from which a person can
    /// restore it; `corrupt-state` errors say how. For the daemon's start and clean stop. The file itself is whole then
    /// too: before, all of it may be in the `-wal` beside it, which people lose more easily.
    public func backup() throws(DevError) {
        let bytes = try lock.withLock { () throws(DevError) in
            _ = try database.rows("PRAGMA wal_checkpoint(TRUNCATE)") { $0.integer(0) }
            return try database.serialized()
        }
        try DurableFile.write(bytes, to: Registry.backupPath(path))
    }

    func read<T>(_ body: (Database) throws(DevError) -> T) throws(DevError) -> T {
        try lock.withLock { () throws(DevError) in try body(database) }
    }

    /// One transaction, durable when it returns.
    /// - Parameter durable: false: on the disk with the next one that is; until then a crash of the machine, though not of the
    ///   process, undoes it. Transactions never get lost out of their order.
    func write<T>(durable: Bool = true, _ body: (Database) throws(DevError) -> T) throws(DevError) -> T {
        try lock.withLock { () throws(DevError) in
            if durable != isDurable {
                try database.run("PRAGMA synchronous = \(durable ? "FULL" : "NORMAL")")
                isDurable = durable
            }
            return try database.transaction { () throws(DevError) in try body(database) }
        }
    }

    /// Small facts of the daemon itself, such as its HTTP port.
    public func setting(_ key: String) throws(DevError) -> String? {
        try read { (database) throws(DevError) in
            try database.rows("SELECT value FROM setting WHERE key = ?", [.text(key)]) { $0.text(0) }.first
        }
    }

    /// - Parameter value: nil forgets it.
    public func set(_ key: String, _ value: String?) throws(DevError) {
        try write { (database) throws(DevError) in
            if let value {
                try database.run("INSERT OR REPLACE INTO setting VALUES (?, ?)", [.text(key), .text(value)])
            } else {
                try database.run("DELETE FROM setting WHERE key = ?", [.text(key)])
            }
        }
    }
}
