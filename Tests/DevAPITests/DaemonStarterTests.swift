import Basics
import ControlTestSupport
import DevAPI
import Foundation
import Testing

/// The daemon's program is a shell script; its socket is that of a fake daemon in this process, moved into place. Serialized,
/// because a start changes what this process hands down to children.
@Suite(.serialized) struct DaemonStarterTests {
    private static let ready = "mv run/hidden.sock run/devd.sock && echo '{\"ready\":true}' >&3"

    private func fake(_ script: String) throws -> (FakeDaemon, ControlClient) {
        let daemon = try FakeDaemon(socketName: "hidden.sock") { _ in [.result(Samples.instance())] }
        try (script + "\n").write(toFile: daemon.layout.root + "/devd.sh", atomically: true, encoding: .utf8)
        var environment = ProcessInfo.processInfo.environment
        environment["DEVDB_DEVD"] = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fake-devd.sh").path
        let starter = DaemonStarter(layout: daemon.layout, environment: environment, program: nil)
        return (daemon, ControlClient(layout: daemon.layout, starter: starter))
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
        defer { daemon.close() }
        var events: [ControlEvent] = []
        let facts: InstanceFacts = try client.call("status", Done(), observer: CallObserver { events.append($0) })
        #expect(facts.name == "app")
        #expect(events.first == .progress("Starting the daemon"))
        #expect(failure(client) == nil)
        #expect(try starts(daemon) == 1)
    }

    @Test func `Many at once start one`() async throws {
        let (daemon, client) = try fake(Self.ready)
        defer { daemon.close() }
        let failures = await withTaskGroup(of: DevError?.self) { group in
            for _ in 0..<2 { group.addTask { failure(client) } }
            return await group.reduce(into: [DevError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(failures.isEmpty)
        #expect(try starts(daemon) == 1)
    }

    @Test func `Its own reason is told`() throws {
        let (daemon, client) = try fake(
            "echo '{\"error\":{\"code\":\"newer-state\",\"message\":\"The registry is newer\",\"object\":\"r\"}}' >&3; exit 1")
        defer { daemon.close() }
        #expect(failure(client)?.code == .newerState)
    }

    @Test func `Without a report, its last log line is told`() throws {
        let (daemon, client) = try fake("echo 'Fatal error: out of luck' >&2; exit 3")
        defer { daemon.close() }
        let error = failure(client)
        #expect(error?.code == .daemonUnreachable)
        #expect(error?.cause == "Fatal error: out of luck")
        try FileManager.default.removeItem(atPath: daemon.layout.daemonLog)
    }

    @Test func `Without a word, its status is told`() throws {
        let (daemon, client) = try fake("exit 3")
        defer { daemon.close() }
        #expect(failure(client)?.cause == "it exited with status 3")
    }

    // These two look into /proc and use flock(1).
    #if os(Linux)
        @Test func `One that loses the race leaves and the other is asked`() throws {
            // The other holds the lock and listens a moment later; ours exits with 0 at once.
            let (daemon, client) = try fake("exec 8>devd.lock; flock 8; (exec 3>&-; sleep 0.1; mv run/hidden.sock run/devd.sock) & exit 0")
            defer { daemon.close() }
            #expect(failure(client) == nil)
        }

        @Test func `It gets a session, a home and no descriptors of ours`() throws {
            let (daemon, client) = try fake(
                "ls -l /proc/self/fd > fds; echo \"$DEVDB_HOME\" > home; ps -o sid= -p $$ > sid; echo $$ > pid; \(Self.ready)")
            defer { daemon.close() }
            let inherited = open("/dev/zero", O_RDONLY)
            defer { close(inherited) }
            #expect(failure(client) == nil)
            func text(_ file: String) throws -> String {
                try String(contentsOfFile: daemon.layout.root + "/" + file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            }
            #expect(try text("home") == daemon.layout.root)
            #expect(try text("sid") == text("pid"))
            #expect(try !text("fds").contains("/dev/zero"))
            // For what `dev run` becomes it is still there.
            #expect(fcntl(inherited, F_GETFD) & FD_CLOEXEC == 0)
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
