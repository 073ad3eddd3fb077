import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Full, read-only and far-away disks.
@Suite struct DiskTests {
    @Test func fullWhileCreating() async throws {
        try await Disk.with(megabytes: 12) { fixture, disk in
            // The daemon itself has room; a data directory has 40 MB.
            for _ in 0..<2 {
                let refused = try await fixture.refusal("up", "shop", "--db-port", "0", "--shadow-db-port", "0")
                #expect(refused.code == "disk-full" && refused.status == 1, "\(refused.code): \(refused.text)")
                #expect(!refused.object.isEmpty && refused.help.contains("space"), "\(refused.text)")
                #expect(try await fixture.list().isEmpty)
                try await fixture.expectNothingHalfMade()
            }
            try await disk.grow(megabytes: 400)
            try await fixture.answersWithinASecond(try await fixture.made())
        }
    }

    @Test func fullWhileRunning() async throws {
        try await Disk.with(megabytes: 400) { fixture, disk in
            let made = try await fixture.filled()
            let ballast = try await disk.fill(fixture)
            // Until it fails: each of these that was answered is committed.
            let big = "INSERT INTO kept SELECT 0 FROM generate_series(1, 20000)"
            var commits = 0
            var said = ""
            while said.isEmpty, commits < 200 {
                let result = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", big])
                if result.status == 0 { commits += 1 } else { said = result.errors }
            }
            #expect(said.contains("No space left on device") || said.contains("disk is full") || said.contains("server closed"), "\(said)")
            // The daemon lives, and knows its instances.
            #expect(try await fixture.list().count == 1)
            if fixture.postmasters.isEmpty {
                let refused = try await fixture.refusal("up", "shop")
                #expect(refused.code == "disk-full", "\(refused.code): \(refused.text)")
            }
            try FileManager.default.removeItem(atPath: ballast)
            try await fixture.answersWithinASecond(
                made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: "\(1000 + commits * 20_000) 500500")
            try await fixture.psql(made.url, big)
        }
    }

    /// The disk is full when a sleeping server is to be woken.
    @Test func fullWhileAsleep() async throws {
        try await Disk.with(megabytes: 400) { fixture, disk in
            let made = try await fixture.filled()
            try await fixture.done("stop", "shop", "--yes")
            let ballast = try await disk.fill(fixture)
            let refused = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", "SELECT 1"])
            #expect(refused.status != 0 && refused.errors.contains("full"), "\(refused.errors)")
            let told = try await fixture.refusal("start", "shop")
            #expect(told.code == "disk-full" && told.text.contains("space"), "\(told.code): \(told.text)")
            #expect(try await fixture.list().count == 1)
            try FileManager.default.removeItem(atPath: ballast)
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
        }
    }

    @Test func readOnlyHome() async throws {
        try await Disk.with(megabytes: 400) { fixture, disk in
            let made = try await fixture.filled()
            try await fixture.done("daemon", "stop", "--servers")
            try await disk.readOnly(true)
            for words in [["up", "shop"], ["ls"], ["daemon", "start"]] {
                let refused = try Refusal(await fixture.dev(words + ["--json"]), words)
                #expect(refused.code == "read-only" && refused.status == 1, "\(words): \(refused.code): \(refused.text)")
                #expect(refused.object.hasPrefix(fixture.home), "\(refused.object)")
                #expect(refused.text.contains("DEVDB_HOME"), "\(refused.text)")
            }
            #expect(DaemonFixture.processes(of: fixture.home).isEmpty)
            try await disk.readOnly(false)
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.url == made.url)
            #expect(try await fixture.rows(again) == DaemonFixture.whole())
        }
    }

    /// A socket's path has 107 bytes: the sockets of such a home are in a folder of their own.
    @Test func homeOnAPathOf200Characters() async throws {
        let names = ["a long path with spaces, 'quotes' and ümlauts"] + (0..<8).map { String(repeating: "\($0)", count: 30) }
        var home = names.joined(separator: "/")
        home = String(home.prefix(200 - 24))
        while home.hasSuffix("/") { home.removeLast() }
        try await withFault(home: home) { fixture in
            #expect(fixture.home.count >= 195)
            let made = try await fixture.filled()
            try await fixture.killDaemon()
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.pid == made.pid && again.url == made.url)
            let memory = try SharedMemory.of(#require(made.pid))
            try await fixture.done("stop", "shop", "--yes")
            #expect(memory.filter(\.isThere).isEmpty)
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            let sockets = try #require(try await fixture.socketFolder(made))
            #expect(sockets.hasPrefix("/tmp/"))
            let folder = (sockets as NSString).deletingLastPathComponent
            try await fixture.done("stop", "shop", "--yes")
            try await fixture.done("rm", "shop", "--yes")
            #expect(!FileManager.default.fileExists(atPath: sockets), "a removed instance's socket folder")
            try await fixture.done("daemon", "stop", "--servers")
            #expect(!FileManager.default.fileExists(atPath: folder), "the folder of the sockets")
        }
    }

    /// The loader's variable is split at blanks and colons; sockets are handed off all the same.
    @Test(arguments: ["two words", "a:b", "a b: c"]) func homeWithBlankOrColon(name: String) async throws {
        try await withFault(home: name) { fixture in
            let made = try await fixture.filled()
            #if os(Linux)
                #expect(made.facts["front"] as? String == "handoff", "\(made.facts["frontReason"] ?? "")")
            #endif
            // What the server starts does not have the library.
            #expect(try await fixture.psql(made.url, "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; test -z \"$LD_PRELOAD\"'") == "")
            try await fixture.done("stop", "shop", "--yes")
            #expect(try await fixture.rows(made) == DaemonFixture.whole())
        }
    }

    /// Files that a crash left beside those that it was about to replace.
    @Test func halfWrittenFilesAreSwept() async throws {
        try await withFault { fixture in
            try await fixture.done("daemon", "start")
            try await fixture.killDaemon()
            let left = ["", "/lib"].map { "\(fixture.home)\($0)/.devdb-123abc.tmp" }
            for path in left { try Data("half".utf8).write(to: URL(filePath: path)) }
            try await fixture.done("daemon", "start")
            #expect(left.filter { FileManager.default.fileExists(atPath: $0) } == [])
        }
    }
}

extension DaemonFixture {
    /// Where the server's private socket is.
    func socketFolder(_ made: Made) async throws -> String? {
        try await psql(made.url, "SHOW unix_socket_directories").split(separator: ",").first.map {
            $0.trimmingCharacters(in: CharacterSet(charactersIn: " \""))
        }
    }
}

/// A small file system of its own below a fixture's home.
struct Disk {
    let path: String

    /// Says so loudly and does nothing where mounting is not allowed.
    static func with(megabytes: Int, _ body: (DaemonFixture, Disk) async throws -> Void) async throws {
        #if os(Linux)
            guard geteuid() == 0 else { return print("*** SKIPPED: a full disk: only root may mount one") }
            try await withFault(home: "disk/home") { fixture in
                let disk = Disk(path: (fixture.home as NSString).deletingLastPathComponent)
                try FileManager.default.createDirectory(atPath: disk.path, withIntermediateDirectories: true)
                let mounted = try await Command.run(
                    "mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0755", "devdb-test", disk.path])
                guard mounted.status == 0 else { return print("*** SKIPPED: a full disk: mount: \(mounted.errors)") }
                do {
                    try await body(fixture, disk)
                    try await disk.end(fixture)
                } catch {
                    let log = (try? String(contentsOfFile: fixture.home + "/devd.log", encoding: .utf8)) ?? ""
                    Issue.record("the daemon's log ends with:\n\(log.suffix(4000))")
                    try? await disk.end(fixture)
                    throw error
                }
            }
        #else
            print("*** SKIPPED: a full disk: no tmpfs on this system")
        #endif
    }

    /// Takes the servers down first: nothing that runs may stand on it.
    private func end(_ fixture: DaemonFixture) async throws {
        _ = try? await Command.run("mount", ["-o", "remount,rw,size=1g", path])
        try await fixture.done("daemon", "stop", "--servers")
        let left = DaemonFixture.processes(of: fixture.home)
        #expect(left.isEmpty, "processes were left behind: \(left)")
        let result = try await Command.run("umount", ["-l", path])
        guard result.status == 0 else { throw TestFailure("umount: \(result.errors)") }
    }

    func grow(megabytes: Int) async throws { try await remount("size=\(megabytes)m") }
    func readOnly(_ yes: Bool) async throws { try await remount(yes ? "ro" : "rw") }

    private func remount(_ options: String) async throws {
        let result = try await Command.run("mount", ["-o", "remount,\(options)", path])
        guard result.status == 0 else { throw TestFailure("remount \(options): \(result.errors)") }
    }

    /// Takes all the room there is. - Returns: the file that has it.
    func fill(_ fixture: DaemonFixture) async throws -> String {
        // The template is made in the background: given up on a full disk, it would leave room again.
        let templates = fixture.home + "/templates"
        try await onOwnThread {
            try Wait.files("the template is there", in: [templates], seconds: 60) {
                try FileManager.default.contentsOfDirectory(atPath: templates).contains { !$0.hasPrefix(".") }
            }
        }
        return try fill()
    }

    private func fill() throws -> String {
        let ballast = path + "/ballast"
        // No child must hold on to it.
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestFailure("ballast: \(errno)") }
        defer { close(descriptor) }
        let block = [UInt8](repeating: 1, count: 1 << 20)
        var size = block.count
        while size > 0 {
            let count = block.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, size) }
            if count <= 0 { size /= 2 }
        }
        return ballast
    }
}
