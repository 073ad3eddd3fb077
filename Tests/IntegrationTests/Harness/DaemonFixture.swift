import Foundation
import Synchronization
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A home of its own with the real `dev` and `devd` of this build, for one test:
///
///     try await DaemonFixture.run { fixture in
///         let url = try await fixture.up("shop")
///         #expect(try await fixture.psql(url, "select 1") == "1")
///     }
///
/// Whatever the test leaves is stopped and removed afterwards, and the test fails if a process, a socket folder or shared
/// memory is left. The daemon is started by `dev` as it is for people; `DEVDB_HTTP_PORT=0` and `--db-port 0` keep tests
/// that run at once apart. With `DEVDB_TEST_KEEP=1` homes stay, for a look at their logs.
final class DaemonFixture: Sendable {
    let home: String
    /// Added to every command's environment.
    let environment: [String: String]
    /// An empty folder without a project above it.
    let directory: String

    static let programs: String = {
        // The tests' own program lies beside the two.
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path(percentEncoded: false)
    }()
    var devProgram: String { programs + "dev" }
    var devdProgram: String { programs + "devd" }
    private var programs: String { Self.programs.hasSuffix("/") ? Self.programs : Self.programs + "/" }

    /// - Parameters:
    ///   - home: a path below the fixture's own folder, such as one of 200 characters.
    ///   - installation: the only PostgreSQL that the daemon finds; nil = what this machine has.
    static func run<Result>(
        home: String = "home", installation: PostgresInstallation? = nil, environment: [String: String] = [:],
        _ body: (DaemonFixture) async throws -> Result
    ) async throws -> Result {
        let fixture = try DaemonFixture(home: home, installation: installation, environment: environment)
        let result: Result
        do {
            result = try await body(fixture)
        } catch {
            let log = (try? String(contentsOfFile: fixture.home + "/devd.log", encoding: .utf8)) ?? ""
            Issue.record("the daemon's log ends with:\n\(log.suffix(4000))")
            try? await fixture.cleanUp()
            throw error
        }
        try await fixture.cleanUp()
        return result
    }

    private let root: String

    private init(home: String, installation: PostgresInstallation?, environment: [String: String]) throws {
        root = "/tmp/devdb-it-\(String(UInt32.random(in: .min ... .max), radix: 16))"
        self.home = root + "/" + home
        directory = root + "/work"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // The servers' user must pass, whatever the umask.
        chmod(root, 0o755)
        var all = [
            "DEVDB_HOME": self.home, "DEVDB_HTTP_PORT": "0",
            "DEVDB_DEVD": Self.programs + (Self.programs.hasSuffix("/") ? "" : "/") + "devd",
        ]
        if let installation { all["DEVDB_PG_BIN"] = installation.bin }
        all.merge(environment) { $1 }
        self.environment = all
    }

    // MARK: Commands

    /// Runs `dev` with these words.
    func dev(
        _ arguments: String..., in folder: String? = nil, environment: [String: String] = [:], input: String = "", seconds: Int = 60
    ) async throws -> CommandResult {
        try await dev(arguments, in: folder, environment: environment, input: input, seconds: seconds)
    }

    func dev(
        _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:], input: String = "", seconds: Int = 60
    ) async throws -> CommandResult {
        try await Command.run(
            "/bin/sh", ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder ?? directory, devProgram] + arguments,
            environment: self.environment.merging(environment) { $1 }, input: input, seconds: seconds)
    }

    /// `dev` must succeed. - Returns: its output without the last line's end.
    @discardableResult
    func done(_ arguments: String..., in folder: String? = nil, environment: [String: String] = [:]) async throws -> String {
        let result = try await dev(arguments, in: folder, environment: environment)
        guard result.status == 0 else {
            throw TestFailure("dev \(arguments.joined(separator: " ")) ended with \(result.status): \(result.errors)\(result.output)")
        }
        return result.output.trimmingCharacters(in: .newlines)
    }

    /// `dev … --json` must succeed.
    func facts(_ arguments: String..., in folder: String? = nil) async throws -> [String: Any] {
        let result = try await dev(arguments + ["--json"], in: folder)
        guard result.status == 0, let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] else {
            throw TestFailure("dev \(arguments) ended with \(result.status): \(result.errors)\(result.output)")
        }
        return object
    }

    static let anyPorts = ["--db-port", "0", "--shadow-db-port", "0"]

    private static let firstPort = Int.random(in: 0..<4_800)
    private static let portsGiven = Atomic(0)

    /// For an instance whose daemon the test kills, or that it removes and brings back: `anyPorts` are the lowest free
    /// ones, which another test's daemon may take meanwhile.
    static func ownPorts() -> [String] {
        // No two tests of a run get the same; runs side by side begin at different places.
        let port = 2 * (5_100 + (firstPort + portsGiven.wrappingAdd(1, ordering: .relaxed).newValue) % 4_800)
        return ["--db-port", "\(port)", "--shadow-db-port", "\(port + 1)"]
    }

    /// Makes or wakes an instance. - Returns: its plain URL.
    @discardableResult
    func up(_ name: String = "default", ports: [String] = anyPorts, _ more: String...) async throws -> String {
        let result = try await dev(["up", name, "--json"] + ports + more)
        guard result.status == 0, let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any],
            let url = object["url"] as? String
        else { throw TestFailure("dev up \(name) ended with \(result.status): \(result.errors)\(result.output)") }
        return url
    }

    /// Runs SQL as a client of the URL would. - Returns: unaligned rows without headers.
    @discardableResult
    func psql(_ url: String, _ sql: String, seconds: Int = 30) async throws -> String {
        let result = try await Command.run(
            "psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"], environment: ["PGCONNECT_TIMEOUT": "20"], input: sql,
            seconds: seconds)
        guard result.status == 0 else { throw TestFailure("psql ended with \(result.status): \(result.errors)") }
        return result.output.trimmingCharacters(in: .newlines)
    }

    // MARK: The daemon

    /// Its process id; nil when none runs.
    var daemonPid: Int32? {
        guard let text = try? String(contentsOfFile: home + "/devd.lock", encoding: .utf8),
            let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), kill(pid, 0) == 0
        else { return nil }
        return pid
    }

    /// SIGKILL, and waits until it is gone.
    func killDaemon() async throws {
        guard let pid = daemonPid else { throw TestFailure("no daemon runs") }
        kill(pid, SIGKILL)
        try await onOwnThread { try Wait.end(of: pid) }
    }

    /// Process ids of the postmasters of this home that live.
    var postmasters: [Int32] {
        let folder = home + "/instances"
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { id in
            guard let text = try? String(contentsOfFile: "\(folder)/\(id)/data/postmaster.pid", encoding: .utf8),
                let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }), kill(pid, 0) == 0
            else { return nil }
            return pid
        }
    }

    // MARK: The end

    private func cleanUp() async throws {
        let memory = postmasters.flatMap(SharedMemory.of)
        // As people would end it; a test may have left it in any state, so what is left is ended by its id.
        _ = try? await dev("daemon", "stop", "--servers", seconds: 30)
        let left = Self.processes(of: home)
        for pid in left { kill(pid, SIGKILL) }
        try? await onOwnThread { for pid in left { try Wait.end(of: pid, seconds: 10) } }
        #expect(left.isEmpty, "processes were left behind: \(left)")
        #expect(memory.filter(\.isThere).isEmpty, "shared memory was left behind")
        let sockets = (try? FileManager.default.contentsOfDirectory(atPath: home + "/run")) ?? []
        #expect(!sockets.contains("devd.sock"), "the control socket was left behind")
        guard ProcessInfo.processInfo.environment["DEVDB_TEST_KEEP"] == nil else { return print("kept: \(root)") }
        try FileManager.default.removeItem(atPath: root)
    }

    /// What runs of this home: PostgreSQL's processes stand in their data directory; the daemon has its lock open.
    static func processes(of home: String) -> [Int32] {
        #if os(Linux)
            return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
                if let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"), folder.hasPrefix(home) {
                    // A command of the test itself may stand there.
                    return (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe"))?.hasSuffix("/postgres") == true
                }
                guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe"))?.hasSuffix("/devd") == true else {
                    return false
                }
                let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
                return descriptors.contains { number in
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(number)")) == home + "/devd.lock"
                }
            }
        #else
            return []
        #endif
    }
}

/// A segment that a postmaster made.
struct SharedMemory {
    var path: String?
    var segment: Int?

    static func of(_ postmaster: Int32) -> [SharedMemory] {
        #if os(Linux)
            let maps = wholeText("/proc/\(postmaster)/maps")
            let lines = maps.split(separator: "\n")
            let posix = Set(lines.compactMap { line in line.range(of: "/dev/shm/").map { String(line[$0.lowerBound...]) } })
            // System V segments are shown with their id in the place of the inode.
            let old = Set(
                lines.filter { $0.contains("/SYSV") }.compactMap { Int($0.split(separator: " ", omittingEmptySubsequences: true)[4]) })
            return posix.map { SharedMemory(path: $0) } + old.map { SharedMemory(segment: $0) }
        #else
            return []
        #endif
    }

    var isThere: Bool {
        if let path { return access(path, F_OK) == 0 }
        guard let segment else { return false }
        return wholeText("/proc/sysvipc/shm").split(separator: "\n").dropFirst().contains {
            $0.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first.flatMap { Int($0) } == segment
        }
    }
}
