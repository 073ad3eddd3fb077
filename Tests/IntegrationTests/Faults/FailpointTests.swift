import Foundation
import TestSupport
import Testing

/// kill -9 of the daemon at every marked step. The list is docs/failpoints.md: a new failpoint is tested at once.
@Suite struct FailpointTests {
    @Test func thePageListsWhatTheSourcesHave() throws {
        #expect(Failpoints.listed.sorted() == (try Failpoints.inSources()))
    }

    @Test(arguments: Failpoints.listed) func killedAt(_ failpoint: String) async throws {
        try await withFault { fixture in
            let scenario = Scenario(fixture: fixture, variables: ["DEVDB_FAILPOINT": failpoint])
            switch failpoint.split(separator: ".").first ?? "" {
            case "create": try await scenario.create(undone: !["create.marked", "create.finished", "create.settled"].contains(failpoint))
            case "template", "spare": try await scenario.makeAhead()
            case "copy": try await scenario.copy()
            case "recover": try await scenario.recover()
            case "start": try await scenario.start()
            case "stop": try await scenario.stop()
            case "remove": try await scenario.remove()
            case "undo": try await scenario.undo()
            default: Issue.record("there is no scenario for \(failpoint): write one here")
            }
        }
    }
}

extension FailpointTests {
    @Test func commandsOutliveTheDaemon() async throws {
        try await withFault { fixture in try await Scenario(fixture: fixture, variables: [:]).outlived() }
    }
}

private struct Scenario {
    let fixture: DaemonFixture
    let variables: [String: String]

    /// - Parameter undone: the next daemon knows nothing of it.
    func create(undone: Bool) async throws {
        let (main, shadow) = try (FreePort.find(), FreePort.find())
        let words = ["up", "shop", "--db-port", "\(main)", "--shadow-db-port", "\(shadow)", "--json"]
        try await dies(words)
        let listed = try await fixture.list()
        #expect(listed.isEmpty == undone)
        try await fixture.expectNothingHalfMade()
        if undone {
            #expect(FreePort.isFree(main) && FreePort.isFree(shadow), "a port is still bound")
        }
        let made = try Made(await fixture.dev(words))
        #expect(made.port == main && made.facts["created"] as? Bool == undone)
        try await fixture.psql(made.url, "CREATE TABLE kept AS SELECT 1 AS x")
        try await fixture.expectNothingHalfMade()
    }

    /// The work in the background after a creation.
    func makeAhead() async throws {
        try await fixture.done("daemon", "start", environment: variables)
        let daemon = try #require(fixture.daemonPid)
        let (main, shadow) = try (FreePort.find(), FreePort.find())
        let words = ["up", "shop", "--db-port", "\(main)", "--shadow-db-port", "\(shadow)", "--json"]
        // On a busy machine the work in the background may come before the answer, which the next daemon gives then.
        let made = try Made(await fixture.dev(words))
        try await fixture.psql(made.url, "CREATE TABLE kept AS SELECT g AS x FROM generate_series(1, 1000) g")
        try await onOwnThread { try Wait.end(of: daemon, seconds: 150) }
        try await fixture.answersWithinASecond(try Made(await fixture.dev("up", "shop", "--json")))
        #expect(try await fixture.rows(made) == DaemonFixture.whole())
        for folder in ["templates", "spares"] {
            #expect(!fixture.names(folder).contains { $0.hasPrefix(".") }, "half made: \(fixture.names(folder))")
        }
        let second = try await fixture.made("second")
        try await fixture.answersWithinASecond(second)
        try await fixture.expectNothingHalfMade()
    }

    /// The copy after a creation, not the one of the daemon's start: it has the new instance.
    func copy() async throws {
        try await fixture.done("daemon", "start", environment: ["DEVDB_FAILPOINT": "copy.made:2"])
        let daemon = try #require(fixture.daemonPid)
        let made = try await fixture.filled()
        try await onOwnThread { try Wait.end(of: daemon) }
        fixture.loseRegistry(keepingCopy: true)
        for note in fixture.notes { try FileManager.default.removeItem(atPath: note) }
        let path = fixture.home + "/registry.sqlite"
        try FileManager.default.copyItem(atPath: path + ".backup", toPath: path)
        try await isWhole(made)
    }

    /// Dies while it brings back what the registry has lost; the next one does it.
    func recover() async throws {
        let made = try await fixture.filled()
        try await fixture.noted()
        try await fixture.killDaemon()
        fixture.loseRegistry()
        let died = try await fixture.dev("daemon", "start", environment: variables)
        #expect(died.status != 0)
        try await isWhole(made)
    }

    func start() async throws {
        let made = try await fixture.filled()
        try await fixture.done("stop", "shop", "--yes")
        try await fixture.done("daemon", "stop")
        try await dies(["start", "shop"])
        #expect(try await fixture.list().count == 1)
        try await isWhole(made)
    }

    func stop() async throws {
        let made = try await fixture.filled()
        let before = fixture.postmasters.flatMap(SharedMemory.of)
        try await fixture.done("daemon", "stop")
        try await dies(["stop", "shop", "--yes"])
        #expect(try await fixture.list().count == 1)
        try await isWhole(made)
        try await fixture.done("stop", "shop", "--yes")
        #expect(before.filter(\.isThere).isEmpty, "shared memory was left behind")
    }

    func remove() async throws {
        let made = try await fixture.filled()
        try await fixture.done("stop", "shop", "--yes")
        try await fixture.done("daemon", "stop")
        try await dies(["rm", "shop", "--yes"])
        // What was begun is finished.
        #expect(try await fixture.list().isEmpty)
        try await fixture.expectNothingHalfMade(trash: 1)
        #expect(FreePort.isFree(made.port), "its port is still bound")
        try await fixture.done("undo", "rm", "shop")
        try await isWhole(made)
    }

    func undo() async throws {
        let made = try await fixture.filled()
        try await fixture.done("stop", "shop", "--yes")
        try await fixture.done("rm", "shop", "--yes")
        try await fixture.done("daemon", "stop")
        try await dies(["undo", "rm", "shop"])
        if try await fixture.list().isEmpty {
            try await fixture.expectNothingHalfMade(trash: 1)
            try await fixture.done("undo", "rm", "shop")
        }
        try await isWhole(made)
    }

    /// The command ends with the daemon, and says so.
    private func dies(_ words: [String]) async throws {
        try await fixture.done("daemon", "start", environment: variables)
        let daemon = try #require(fixture.daemonPid)
        // Without a program for the next daemon `dev` can't ask again.
        let result = try await fixture.dev(words, environment: ["DEVDB_DEVD": "/nowhere"])
        try await onOwnThread { try Wait.end(of: daemon) }
        // At the last steps the answer may have been on its way already.
        guard result.status != 0 else { return }
        #expect(result.status == 5 && result.errors.contains("daemon-unreachable"), "\(result.errors)")
    }

    /// Dies under each command in turn, which is done nevertheless, by the next daemon.
    func outlived() async throws {
        for (failpoint, words) in [
            ("create.cloned", ["up", "shop"] + DaemonFixture.ownPorts()), ("stop.begun", ["stop", "shop", "--yes"]),
            ("start.spawned", ["start", "shop"]),
        ] {
            try await fixture.done("daemon", "stop")
            try await fixture.done("daemon", "start", environment: ["DEVDB_FAILPOINT": failpoint])
            let daemon = try #require(fixture.daemonPid)
            let result = try await fixture.dev(words)
            #expect(result.status == 0 && result.errors == "", "\(failpoint): \(result)")
            try await onOwnThread { try Wait.end(of: daemon) }
            #expect(fixture.daemonPid != daemon)
            let state = try await fixture.facts("status", "shop")["state"] as? String
            #expect(state == (words[0] == "stop" ? "stopped" : "running"))
        }
    }

    /// Same URL, all rows, one server.
    private func isWhole(_ made: Made) async throws {
        let again = try Made(await fixture.dev("up", "shop", "--json"))
        #expect(again.url == made.url)
        #expect(try await fixture.rows(again) == DaemonFixture.whole())
        #expect(fixture.postmasters.count == 1)
        try await fixture.expectNothingHalfMade()
    }
}

enum Failpoints {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Lines of the page that begin "- `name`".
    static let listed: [String] = {
        let page = (try? String(contentsOf: package.appending(path: "docs/failpoints.md"), encoding: .utf8)) ?? ""
        return page.split(separator: "\n").filter { $0.hasPrefix("- `") }.compactMap {
            $0.split(separator: "`").dropFirst().first.map(String.init)
        }
    }()

    static func inSources() throws -> [String] {
        let sources = package.appending(path: "Sources")
        var found: Set<String> = []
        for case let file as URL in FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil) ?? .init()
        where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for call in text.components(separatedBy: "Failpoint.pass(\"").dropFirst() {
                found.insert(String(call.prefix { $0 != "\"" }))
            }
        }
        return found.sorted()
    }
}
