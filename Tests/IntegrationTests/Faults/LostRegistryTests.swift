import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The registry is gone or older than the instances, whose folders say of themselves whose they are.
@Suite struct LostRegistryTests {
    @Test func instancesComeBackFromTheirFolders() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let asleep = try await fixture.filled("asleep", rows: 10, "--password", "own", "--idle", "3m")
            try await fixture.done("stop", "asleep", "--yes")
            try await fixture.done("config", "set", "settings.work_mem", "7MB", "-n", "asleep")
            _ = try await fixture.filled("removed", rows: 20)
            for words in [["stop", "removed", "--yes"], ["rm", "removed", "--yes"]] { #expect(try await fixture.dev(words).status == 0) }
            try await fixture.noted()
            try await fixture.killDaemon()
            fixture.loseRegistry()

            let all = try await fixture.list()
            #expect(all.compactMap { $0["name"] as? String } == ["asleep", "shop"])
            // The server that lives is adopted, and the other's URL wakes it.
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.pid == made.pid && again.url == made.url)
            #expect(try await fixture.rows(made) == DaemonFixture.whole())
            #expect(try await fixture.rows(asleep) == DaemonFixture.whole(10))
            #expect(try await fixture.psql(asleep.url, "SHOW work_mem") == "7MB")
            let facts = try await fixture.facts("status", "asleep")
            #expect(facts["idle"] as? String == "3m" && facts["url"] as? String == asleep.url)
            let check = try await fixture.folderCheck()
            #expect(check["ok"] as? Bool == true && (check["text"] as? String)?.contains("asleep, shop") == true, "\(check)")
            try await fixture.done("undo", "rm", "removed")
            try await fixture.expectNothingHalfMade()
        }
    }

    /// An old copy was put back that knows a creation as under way: it came to its end long ago.
    @Test func aStaleCopyUndoesNoCreation() async throws {
        try await withFault { fixture in
            try await fixture.done("daemon", "start", environment: ["DEVDB_FAILPOINT": "create.marked"])
            let daemon = try #require(fixture.daemonPid)
            let ports = DaemonFixture.ownPorts()
            _ = try await fixture.dev(["up", "shop"] + ports, environment: ["DEVDB_DEVD": "/nowhere"])
            try await onOwnThread { try Wait.end(of: daemon) }
            let path = fixture.home + "/registry.sqlite"
            let files = ["", "-wal"].map { URL(filePath: path + $0) }
            let old = files.map { try? Data(contentsOf: $0) }
            let made = try Made(await fixture.dev(["up", "shop", "--json"] + ports))
            try await fixture.psql(made.url, "CREATE TABLE kept AS SELECT g AS x FROM generate_series(1, 1000) g")
            try await fixture.noted()
            try await fixture.killDaemon()
            // As after a restart of the machine: the mark of a young directory is good no more.
            let mark = (made.dataDirectory as NSString).deletingLastPathComponent + "/filled"
            try? FileManager.default.removeItem(atPath: mark)
            fixture.loseRegistry()
            for (file, bytes) in zip(files, old) { try bytes?.write(to: file) }
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.pid == made.pid && again.url == made.url)
            #expect(try await fixture.rows(made) == DaemonFixture.whole())
        }
    }

    /// Another has its name and its ports by now.
    @Test func aNameThatIsTakenGetsANumber() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            try await fixture.done("daemon", "stop", "--servers")
            let folder = (made.dataDirectory as NSString).deletingLastPathComponent
            try FileManager.default.moveItem(atPath: folder, toPath: fixture.home + "/elsewhere")
            fixture.loseRegistry()
            let port = try #require(made.facts["port"] as? Int)
            let shadow = try #require(made.facts["shadowPort"] as? Int)
            let second = try Made(await fixture.dev(["up", "shop", "--db-port", "\(port)", "--shadow-db-port", "\(shadow)", "--json"]))
            #expect(second.dataDirectory != made.dataDirectory)
            try await fixture.done("daemon", "stop")
            try FileManager.default.moveItem(atPath: fixture.home + "/elsewhere", toPath: folder)
            let again = try Made(await fixture.dev("up", "shop-2", "--json"))
            #expect(again.facts["created"] as? Bool == false && again.dataDirectory == made.dataDirectory && again.port != made.port)
            #expect(try await fixture.rows(again) == DaemonFixture.whole())
            #expect(try await fixture.list().count == 2)
        }
    }

    /// What is in a folder of the servers' user is no order to a daemon that runs as root; a folder without a word is named.
    @Test func aFolderThatSaysNothingIsNamed() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            try await fixture.noted()
            try await fixture.killDaemon()
            fixture.loseRegistry()
            let note = try #require(fixture.notes.first)
            if geteuid() == 0 { chown(note, 65_534, 65_534) } else { try FileManager.default.removeItem(atPath: note) }
            #expect(try await fixture.list().isEmpty)
            let check = try await fixture.folderCheck()
            let text = check["text"] as? String ?? ""
            let pid = try #require(made.pid)
            #expect(check["ok"] as? Bool == false && text.contains("pid \(pid)") && text.contains(fixture.home + "/instances/"), "\(check)")
            // Nobody's server: it is ended here, as the doctor's reader would.
            kill(pid, SIGINT)
            try await onOwnThread { try Wait.end(of: pid) }
        }
    }
}

extension DaemonFixture {
    var notes: [String] { names("instances").map { home + "/instances/\($0)/instance.json" } }

    /// The background has written down that the data of all instances are whole.
    func noted() async throws {
        let notes = notes
        try await onOwnThread {
            try Wait.polling("the notes are settled") {
                notes.allSatisfy { (try? String(contentsOfFile: $0, encoding: .utf8))?.contains("\"settled\":true") == true }
            }
        }
    }

    func loseRegistry(keepingCopy: Bool = false) {
        for end in ["", "-wal", "-shm"] + (keepingCopy ? [] : [".backup"]) {
            try? FileManager.default.removeItem(atPath: home + "/registry.sqlite" + end)
        }
    }

    func folderCheck() async throws -> [String: Any] {
        let result = try await dev("doctor", "--json")
        let facts = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        return try #require((facts["checks"] as? [[String: Any]])?.first { $0["name"] as? String == "folders" })
    }
}
