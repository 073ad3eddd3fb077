import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A fixture for one fault. So many at once, not all: every one of them starts servers, and what is asked of them is
/// that they answer within a second.
func withFault<Result>(
    home: String = "home", installation: PostgresInstallation? = nil, environment: [String: String] = [:],
    _ body: (DaemonFixture) async throws -> Result
) async throws -> Result {
    await Gate.shared.enter()
    do {
        let result = try await DaemonFixture.run(home: home, installation: installation, environment: environment, body)
        await Gate.shared.leave()
        return result
    } catch {
        await Gate.shared.leave()
        throw error
    }
}

private actor Gate {
    static let shared = Gate()
    private var free = 3
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if free > 0 { return free -= 1 }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

extension DaemonFixture {
    // MARK: What people see

    /// `dev ls --json`, which must succeed.
    func list() async throws -> [[String: Any]] {
        let result = try await dev("ls", "--json")
        guard result.status == 0, let all = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]] else {
            throw TestFailure("dev ls ended with \(result.status): \(result.errors)\(result.output)")
        }
        return all
    }

    /// The error that a command with `--json` said.
    func refusal(_ arguments: String..., environment: [String: String] = [:]) async throws -> Refusal {
        try await refusal(arguments, environment: environment)
    }

    func refusal(_ arguments: [String], environment: [String: String] = [:]) async throws -> Refusal {
        let result = try await dev(arguments + ["--json"], environment: environment)
        return try Refusal(result, arguments)
    }

    /// An instance with a table `kept` of these many rows. - Returns: its facts.
    func filled(_ name: String = "shop", rows: Int = 1000, _ more: String...) async throws -> Made {
        let made = try await made(name, more)
        try await psql(made.url, "CREATE TABLE kept AS SELECT g AS x FROM generate_series(1, \(rows)) g")
        return made
    }

    /// On ports that no other test takes while our daemon is down.
    func made(_ name: String = "shop", _ more: [String] = [], environment: [String: String] = [:]) async throws -> Made {
        let (main, shadow) = try (FreePort.find(), FreePort.find())
        let words = ["up", name, "--db-port", "\(main)", "--shadow-db-port", "\(shadow)", "--json"]
        return try Made(await dev(words + more, environment: environment))
    }

    func rows(_ made: Made) async throws -> String { try await rows(made.url) }
    func rows(_ url: String) async throws -> String { try await psql(url, "SELECT count(*) || ' ' || sum(x) FROM kept") }

    /// What `rows` says when nothing was lost.
    static func whole(_ rows: Int = 1000) -> String { "\(rows) \(rows * (rows + 1) / 2)" }

    // MARK: Promptness

    /// The URL must answer within a second from now, on a machine that does nothing else; where other tests run too, as
    /// much longer as starting a program takes longer. A client that is refused tries again, as people would.
    func answersWithinASecond(_ made: Made, _ sql: String = "SELECT 1", expecting expected: String = "1") async throws {
        let begun = ContinuousClock.now
        let bound = Duration.seconds(1) + (try await Load.allowance())
        var said = ""
        var attempts = 0
        while true {
            let result = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", sql], environment: ["PGCONNECT_TIMEOUT": "20"])
            attempts += 1
            let passed = ContinuousClock.now - begun
            if result.status == 0 {
                #expect(result.output.trimmingCharacters(in: .newlines) == expected)
                #expect(passed < bound, "the URL answered after \(passed), \(attempts) attempts; before: \(said)")
                return
            }
            said = result.errors
            guard passed < .seconds(20) else { throw TestFailure("the URL does not answer: \(said)") }
        }
    }

    // MARK: Nothing half made, nothing left

    /// Compares the folders with what is listed. Call it when no command is under way.
    func expectNothingHalfMade(trash: Int = 0, _ location: SourceLocation = #_sourceLocation) async throws {
        let ids = try await list().compactMap { facts in
            (facts["dataDirectory"] as? String)?.split(separator: "/").dropLast().last.map(String.init)
        }
        #expect(Set(names("instances")) == Set(ids), "folders of instances", sourceLocation: location)
        #expect(Set(names("run").filter { !$0.hasPrefix("devd.") }).isSubset(of: ids), "socket folders", sourceLocation: location)
        #expect(names("trash").count == trash, "the trash", sourceLocation: location)
        #expect(postmasters.count <= ids.count, sourceLocation: location)
    }

    func names(_ folder: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: home + "/" + folder)) ?? [] }

    /// Backends and helpers of a postmaster that was there before.
    static func waitUntilGone(_ processes: [Int32]) async throws {
        try await onOwnThread { for pid in processes { try Wait.end(of: pid) } }
    }

    /// Servers' processes, the postmaster among them.
    func serverProcesses() -> [Int32] {
        Self.processes(of: home).filter { pid in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe"))?.hasSuffix("/postgres") == true
        }
    }
}

/// Whether it runs; one that ended and was not waited for does not.
func isAlive(_ pid: Int32) -> Bool {
    guard kill(pid, 0) == 0 else { return false }
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = stat.lastIndex(of: ")") else {
        return true
    }
    guard stat[end...].hasPrefix(") Z") else { return true }
    // The first thread may have ended while another still holds the sockets, which then answer with a reset.
    return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task"))?.count ?? 0) > 1
}

/// What `dev up --json` said.
struct Made {
    var facts: [String: Any]
    var url: String
    var port: UInt16
    var dataDirectory: String
    var pid: Int32? { (facts["pid"] as? Int).map { Int32($0) } }

    init(_ result: CommandResult) throws {
        guard result.status == 0, let facts = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any],
            let url = facts["url"] as? String, let port = (facts["port"] as? Int).flatMap({ UInt16(exactly: $0) }),
            let data = facts["dataDirectory"] as? String
        else { throw TestFailure("dev up ended with \(result.status): \(result.errors)\(result.output)") }
        self.facts = facts
        self.url = url
        self.port = port
        dataDirectory = data
    }
}

/// `{"error": …}` of a command that failed.
struct Refusal {
    var status: Int32
    var code: String
    var message: String
    var object: String
    var cause: String
    var help: String

    init(_ result: CommandResult, _ arguments: [String]) throws {
        guard result.status != 0, let line = result.errors.split(separator: "\n").last(where: { $0.hasPrefix("{") }),
            let outer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let error = outer["error"] as? [String: Any]
        else { throw TestFailure("dev \(arguments) ended with \(result.status) and no error: \(result.errors)\(result.output)") }
        status = result.status
        code = error["code"] as? String ?? ""
        message = error["message"] as? String ?? ""
        object = error["object"] as? String ?? ""
        cause = error["cause"] as? String ?? ""
        help = error["help"] as? String ?? ""
    }

    var text: String { [message, cause, help].joined(separator: "; ") }
}

enum Load {
    /// What a busy machine adds to a second: a hundred times what it takes now to start a small program.
    static func allowance() async throws -> Duration {
        let begun = ContinuousClock.now
        _ = try await Command.run("psql", ["--version"])
        return (ContinuousClock.now - begun) * 100
    }
}
