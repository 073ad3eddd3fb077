import Basics
import ControlTestSupport
import DevAPI
import Foundation
import Testing

/// The daemon's program is a shell script; its socket is that of a fake daemon in this process, moved into place. Serialized,
/// because a start changes what this process hands down to children.
@Suite(.serialized) struct DaemonStarterTests {
    private static let ready = "mv run/hidden.sock run/devd.sock && echo '{\"ready\":true}' >&3"

    private func fake(
        _ script: String, _ handler: @escaping @Sendable (FakeDaemon.Request) -> [FakeDaemon.Step] = { _ in [.result(Samples.instance())] }
    ) throws -> (FakeDaemon, ControlClient) {
        let daemon = try FakeDaemon(socketName: "hidden.sock", handler: handler)
        try (script + "\n").write(toFile: daemon.layout.root + "/devd.sh", atomically: true, encoding: .utf8)
        var environment = ProcessInfo.processInfo.environment
        environment["DEVDB_DEVD"] = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fake-devd.sh").path
        let starter = DaemonStarter(layout: daemon.layout, environment: environment, program: nil)
        return (daemon, ControlClient(layout: daemon.layout, starter: starter))
    }

    /// The programs are children of this process, and one that is not waited for would keep the monitor of exit tests from
    /// seeing the end of others.
    private func end(_ daemon: FakeDaemon) {
        let pids = (try? String(contentsOfFile: daemon.layout.root + "/count", encoding: .utf8)) ?? ""
        for pid in pids.split(separator: "\n").compactMap({ Int32($0) }) { waitpid(pid, nil, 0) }
        daemon.close()
    }

    private func starts(_ daemon: FakeDaemon) throws -> Int {
        try String(contentsOfFile: daemon.layout.root + "/count", encoding: .utf8).split(separator: "\n").count
    }

    private func failure(_ client: ControlClient) -> DevError? {
        do {
            let _: InstanceFacts = try client.call("status", Done())
            return nil
        } catch {
            return error
        }
    }

    @Test func `A daemon is started and then asked`() throws {
        let (daemon, client) = try fake(Self.ready)
        defer { end(daemon) }
        var events: [ControlEvent] = []
        let facts: InstanceFacts = try client.call("status", Done(), observer: CallObserver { events.append($0) })
        #expect(facts.name == "app")
        #expect(events.first == .progress("Starting the daemon"))
        #expect(failure(client) == nil)
        #expect(try starts(daemon) == 1)
    }

    @Test func `Many at once start one`() async throws {
        let (daemon, client) = try fake(Self.ready)
        defer { end(daemon) }
        let failures = await withTaskGroup(of: DevError?.self) { group in
            for _ in 0..<2 { group.addTask { failure(client) } }
            return await group.reduce(into: [DevError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(failures.isEmpty)
        #expect(try starts(daemon) == 1)
    }

    @Test func `When the daemon dies before it answers, the next one is asked`() throws {
        let calls = Counter()
        let (daemon, client) = try fake(Self.ready) { _ in
            calls.next() == 1 ? [.progress("Working"), .vanish] : [.result(Samples.instance())]
        }
        defer { end(daemon) }
        // The one that dies is the same fake under its other name.
        #expect(link(daemon.layout.sockets + "/hidden.sock", daemon.layout.controlSocket) == 0)
        let facts: InstanceFacts = try client.call("up", Done())
        #expect(facts.name == "app")
        #expect(try starts(daemon) == 1)
        #expect(daemon.requests("up").count == 2)
    }

    #if os(Linux)
        @Test func `Who has the home but ends is not waited for in vain`() throws {
            // The first finds the home taken by one that ends without ever listening; the second has it.
            let inUse = "{\"error\":{\"code\":\"home-in-use\",\"message\":\"Another daemon has it\",\"object\":\"h\"}}"
            let (daemon, client) = try fake("if [ $(wc -l <count) = 1 ]; then echo '\(inUse)' >&3; exit 4; fi; \(Self.ready)")
            defer { end(daemon) }
            #expect(failure(client) == nil)
            #expect(try starts(daemon) == 2)
        }
    #endif

    @Test func `Its own reason is told`() throws {
        let (daemon, client) = try fake(
            "echo '{\"error\":{\"code\":\"newer-state\",\"message\":\"The registry is newer\",\"object\":\"r\"}}' >&3; exit 1")
        defer { end(daemon) }
        #expect(failure(client)?.code == .newerState)
    }

    @Test func `Without a report, its last log line is told`() throws {
        let (daemon, client) = try fake("echo 'Fatal error: out of luck' >&2; exit 3")
        defer { end(daemon) }
        let error = failure(client)
        #expect(error?.code == .daemonUnreachable)
        #expect(error?.cause == "Fatal error: out of luck")
        try FileManager.default.removeItem(atPath: daemon.layout.daemonLog)
    }

    @Test func `Without a word, its status is told`() throws {
        let (daemon, client) = try fake("exit 3")
        defer { end(daemon) }
        #expect(failure(client)?.cause == "it exited with status 3")
    }

    // These two look into /proc and use flock(1).
    #if os(Linux)
        @Test func `One that loses the race leaves and the other is asked`() throws {
            // The other holds the lock and listens once ours, which exits with 0 at once, has closed the gate by its end.
            let later = "(exec 3>&-; read -r end <gate; mv run/hidden.sock run/devd.sock)"
            let (daemon, client) = try fake("exec 8>devd.lock; flock 8; mkfifo gate; \(later) & exec 4>gate; exit 0")
            defer { end(daemon) }
            #expect(failure(client) == nil)
        }

        @Test func `It gets a session, a home and no descriptors of ours`() throws {
            let (daemon, client) = try fake(
                "ls -l /proc/self/fd > fds; echo \"$DEVDB_HOME\" > home; ps -o sid= -p $$ > sid; echo $$ > pid; \(Self.ready)")
            defer { end(daemon) }
            let inherited = open("/dev/zero", O_RDONLY)
            defer { close(inherited) }
            #expect(failure(client) == nil)
            func text(_ file: String) throws -> String {
                try String(contentsOfFile: daemon.layout.root + "/" + file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            }
            #expect(try text("home") == daemon.layout.root)
            #expect(try text("sid") == text("pid"))
            #expect(try !text("fds").contains("/dev/zero"))
        }
    #endif

    @Test func `No devd anywhere`() throws {
        let layout = HomeLayout(root: "/tmp/dt-\(UInt32.random(in: 0...UInt32.max))")
        defer { try? FileManager.default.removeItem(atPath: layout.root) }
        let starter = DaemonStarter(layout: layout, environment: ["PATH": "/nowhere"], program: "/nowhere/dev")
        #expect(failure(ControlClient(layout: layout, starter: starter))?.message == "devd was not found")
        let wrong = DaemonStarter(layout: layout, environment: ["DEVDB_DEVD": "/nowhere/devd"], program: nil)
        #expect(failure(ControlClient(layout: layout, starter: wrong))?.object == "/nowhere/devd")
    }
}
