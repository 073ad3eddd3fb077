internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A throw-away server on a Unix socket, as the daemon sets one up: no TCP, owner `postgres` trusted on the socket,
/// `pg_hba.conf` as in the plan of the front. Stopped and removed by `stop()`, at the latest when the object goes; a
/// server never outlives the test process.
public final class PostgresCluster: Sendable {
    public static let password = "secret"

    public let installation: PostgresInstallation
    /// Everything is in here; belongs to the servers' user, 0700.
    public let directory: String
    public var dataDirectory: String { directory + "/data" }
    public var logFile: String { directory + "/server.log" }
    /// Of `.s.PGSQL.5432`.
    public var socketDirectory: String { directory }
    public var socketPath: String { directory + "/.s.PGSQL.5432" }

    private let keeper: Keeper

    /// - Parameters:
    ///   - preload: a library for LD_PRELOAD that the user `postgres` can read.
    ///   - settings: lines of postgresql.conf.
    ///   - hba: lines put before ours in pg_hba.conf.
    public static func start(
        _ installation: PostgresInstallation = .any, preload: String? = nil, settings: [String: String] = [:], hba: [String] = []
    ) async throws -> PostgresCluster {
        try await onOwnThread {
            let template = try Template.shared.path(installation)
            let cluster = try PostgresCluster(installation, preload: preload)
            try shell(
                "cp -a --reflink=auto \(template) \(cluster.dataDirectory)")
            let standard: [String: String] = [
                "listen_addresses": "''", "unix_socket_directories": "'\(cluster.socketDirectory)'", "fsync": "off",
                "wal_level": "logical", "shared_buffers": "16MB", "log_connections": "on", "max_wal_senders": "4",
            ]
            let lines = standard.merging(settings) { $1 }.map { "\($0) = \($1)\n" }.joined()
            let rules =
                hba + [
                    "local all postgres trust", "local replication postgres trust", "host all postgres ::1/128 trust",
                    "host replication postgres ::1/128 trust", "host all all 127.0.0.1/32 md5",
                    "host replication all 127.0.0.1/32 md5", "local all all md5",
                ]
            try append(lines, to: cluster.dataDirectory + "/postgresql.conf", replacing: false)
            try append(rules.joined(separator: "\n") + "\n", to: cluster.dataDirectory + "/pg_hba.conf", replacing: true)
            try cluster.launch()
            return cluster
        }
    }

    private init(_ installation: PostgresInstallation, preload: String?) throws {
        self.installation = installation
        var name = Array("/tmp/devdb-pg-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw TestFailure("mkdtemp: \(errno)") }
        directory = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        if getuid() == 0, let user = getpwnam("postgres") { chown(directory, user.pointee.pw_uid, user.pointee.pw_gid) }
        keeper = try Keeper(installation, directory: directory, preload: preload)
    }

    /// The postmaster's.
    public var pid: Int32 {
        get throws {
            let text = try String(contentsOfFile: dataDirectory + "/postmaster.pid", encoding: .utf8)
            guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }) else { throw TestFailure("no pid in \(text)") }
            return pid
        }
    }

    /// Stops it and keeps its data.
    /// - Parameter mode: PostgreSQL's words.
    public func stop(_ mode: StopMode = .fast) async throws {
        try await onOwnThread {
            if let pid = try? self.pid { kill(pid, mode.signal) }
            try self.waitForEnd()
        }
    }

    public enum StopMode: Sendable {
        case smart, fast, immediate
        var signal: Int32 {
            switch self {
            case .smart: SIGTERM
            case .fast: SIGINT
            case .immediate: SIGQUIT
            }
        }
    }

    /// Starts it again after `stop`.
    public func restart() async throws { try await onOwnThread { try self.launch() } }

    /// Runs SQL as the owner through the private socket; unaligned rows without headers.
    @discardableResult public func sql(_ text: String, database: String = "postgres") async throws -> String {
        let result = try await Command.run(
            "psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", socketDirectory, "-U", "postgres", "-d", database, "-f", "-"], input: text)
        guard result.status == 0 else { throw TestFailure(result.errors) }
        return result.output.trimmingCharacters(in: .newlines)
    }

    public var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

    /// Blocks until it takes sessions.
    private func launch() throws {
        let ended = directory + "/ended"
        unlink(ended)
        try keeper.start()
        try whenLogged("the server starts") {
            access(ended, F_OK) == 0
                || wholeText(dataDirectory + "/postmaster.pid").split(
                    separator: "\n", omittingEmptySubsequences: false
                ).dropFirst(7).first?.hasPrefix("ready") == true
        }
        if access(ended, F_OK) == 0 { throw TestFailure("the server does not start: \(log.suffix(2_000))") }
    }

    private func waitForEnd() throws { try whenLogged("the server ends") { access(directory + "/ended", F_OK) == 0 } }

    /// Waits for what the server or its keeper writes into their folders; the failure tells the server's last words.
    private func whenLogged(_ what: String, _ condition: () -> Bool) throws {
        do {
            try Wait.files(what, in: [directory, dataDirectory], seconds: 30, condition)
        } catch {
            throw TestFailure("\(error): \(log.suffix(2_000))")
        }
    }

    /// Waits until the server has logged `text`. Blocks.
    public func untilLogged(_ text: String) throws { try whenLogged("\(text) is logged") { log.contains(text) } }

    /// Waits inside the server until a query's only value is true; 20 seconds at most.
    public func wait(until query: String) async throws { try await sql(Self.waiting(until: query)) }

    /// A statement that ends when the query's only value is true: it looks every 10 ms, since the server tells nobody
    /// what other sessions do, and fails after 20 seconds.
    public static func waiting(until query: String) -> String {
        """
        DO $wait$ BEGIN
            FOR turn IN 1..2000 LOOP
                IF (\(query)) THEN RETURN; END IF;
                PERFORM pg_sleep(0.01);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
            RAISE EXCEPTION 'not within 20 seconds';
        END $wait$
        """
    }
}

/// A shell between us and the server: it starts one for each line that it reads, and at the end of its input, which is
/// the end of this process at the latest, it stops the server and removes the folder.
private final class Keeper: Sendable {
    private let child: Child

    init(_ installation: PostgresInstallation, directory: String, preload: String?) throws {
        let preloading = preload.map { "LD_PRELOAD='\($0)' " } ?? ""
        let script = """
            while read -r word; do
                {
                    \(preloading)'\(installation.bin)/postgres' -D '\(directory)/data' >>'\(directory)/server.log' 2>&1
                    echo $? >'\(directory)/ended'
                } </dev/null &
            done
            kill -QUIT $(head -n 1 '\(directory)/data/postmaster.pid' 2>/dev/null) 2>/dev/null
            wait
            rm -rf '\(directory)'
            """
        child = try Child.start("/bin/sh", ["-c", script], asPostgres: true)
    }

    func start() throws { child.send("start\n") }

    deinit {
        child.write("")
        _ = child.wait(seconds: 20)
    }
}

/// One `initdb` per build of PostgreSQL, kept for other test runs: beside its name first, then renamed.
private final class Template: @unchecked Sendable {
    static let shared = Template()
    // The lock makes others wait while one is being made.
    private let lock = NSLock()

    func path(_ installation: PostgresInstallation) throws -> String {
        lock.lock()
        defer { lock.unlock() }
        let version = try shell("'\(installation.bin)/postgres' --version").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".")
        }
        let folder = "/tmp/devdb-test-templates-\(getuid())"
        let path = folder + "/\(version)-1"
        if FileManager.default.fileExists(atPath: path + "/PG_VERSION") { return path }
        mkdir(folder, 0o700)
        if getuid() == 0, let user = getpwnam("postgres") { chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) }
        let making = path + ".\(getpid())"
        try shell(
            """
            umask 077; echo '\(PostgresCluster.password)' >'\(making).pw'
            '\(installation.bin)/initdb' -D '\(making)' -N -k -U postgres -A trust -E UTF8 --locale=C \
              --pwfile='\(making).pw' >/dev/null
            rm -f '\(making).pw'; mv -T '\(making)' '\(path)' 2>/dev/null || rm -rf '\(making)'
            """)
        return path
    }
}

/// Blocks.
@discardableResult private func shell(_ script: String) throws -> String {
    let child = try Child.start("/bin/sh", ["-c", script], asPostgres: true)
    child.write("")
    let result = child.wait()
    guard result.status == 0 else { throw TestFailure("\(script): \(result.errors)") }
    return result.output
}

private func append(_ text: String, to path: String, replacing: Bool) throws {
    let old = replacing ? "" : try String(contentsOfFile: path, encoding: .utf8)
    // In place: the file stays its owner's.
    guard let file = FileHandle(forWritingAtPath: path) else { throw TestFailure("can't write \(path)") }
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data((old + text).utf8))
    try file.close()
}
