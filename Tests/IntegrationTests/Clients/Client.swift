import Foundation
import TestSupport
import Testing

/// How clients reach the server, and which server.
struct Passage: Sendable, CustomTestStringConvertible {
    var installation: PostgresInstallation
    /// Of `dev up --front`.
    var front: String

    var testDescription: String { "\(installation), \(front)" }

    /// Hand-off with each major that is here.
    static let handedOff: [Passage] = [15, 16].compactMap(PostgresInstallation.find).map { Passage(installation: $0, front: "handoff") }
    /// And once through the pump.
    static let all: [Passage] = handedOff + [Passage(installation: .any, front: "pump")]
}

extension DaemonFixture {
    /// Runs a program beside `body`, which is over before the program is waited for; it never outlives this call.
    func beside<Result>(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], seconds: Int = 60,
        _ body: (Child) async throws -> Result
    ) async throws -> (Result, CommandResult) {
        let child = try Child.start(executable, arguments, environment: environment)
        child.write("")
        do {
            let result = try await body(child)
            return (result, try await onOwnThread { child.wait(seconds: seconds) })
        } catch {
            child.signal(SIGKILL)
            let said = try await onOwnThread { child.wait(seconds: seconds) }
            throw TestFailure("\(error); meanwhile \(executable) said: \(said.errors)\(said.output)")
        }
    }

    /// Waits inside the server until a query's only value is true.
    func wait(_ url: String, until query: String) async throws { try await psql(url, PostgresCluster.waiting(until: query)) }

    /// Waits until the instance is asleep, without waking it: the daemon's log tells each change of its state.
    func untilAsleep(_ name: String, seconds: Double = 30) async throws {
        let home = home
        try await onOwnThread {
            try Wait.files("\(name) is asleep", in: [home], seconds: seconds) {
                let last = wholeText(home + "/devd.log").split(separator: "\n").last { $0.contains(" state instance=\(name) ") }
                return last?.hasSuffix(" to=stopped") == true
            }
        }
    }

    /// Starts of the server since its log began.
    func starts(_ facts: [String: Any]) throws -> Int {
        guard let data = facts["dataDirectory"] as? String else { throw TestFailure("no data directory in \(facts)") }
        let log = try String(contentsOfFile: URL(filePath: data).deletingLastPathComponent().path() + "/server.log", encoding: .utf8)
        return log.components(separatedBy: "database system is ready to accept connections").count - 1
    }
}

/// A URL's parts for another user, password or database.
func url(_ url: String, user: String? = nil, password: String? = nil, database: String? = nil) throws -> String {
    guard var parts = URLComponents(string: url) else { throw TestFailure("not a URL: \(url)") }
    if let user { parts.user = user }
    if let password { parts.password = password }
    if let database { parts.path = "/" + database }
    return try parts.string ?? { throw TestFailure("not a URL: \(url)") }()
}

extension [String: Any] {
    func text(_ key: String) throws -> String {
        guard let text = self[key] as? String else { throw TestFailure("no \(key) in \(self)") }
        return text
    }
}
