import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Servers, backends and clients that are killed.
@Suite struct ServerDeathTests {
    @Test(arguments: ["handoff", "pump"]) func aKilledPostmasterComesBack(front: String) async throws {
        try await withFault { fixture in
            let made = try await fixture.filled("shop", rows: 1000, "--front", front)
            let pid = try #require(made.pid)
            let memory = try await onOwnThread {
                var memory: [SharedMemory] = []
                try Wait.polling("the server that dev up named has shared memory") {
                    memory = SharedMemory.of(pid)
                    return !memory.isEmpty
                }
                return memory
            }
            // A backend that never looks whether its postmaster lives holds the shared memory.
            let busy = try Client.start(made.url, named: "busy")
            busy.send("SELECT count(*) FROM generate_series(1, 100000000000);\n")
            try await fixture.sees(made, client: "busy", state: "active")
            let processes = fixture.serverProcesses()
            kill(pid, SIGKILL)
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            try await DaemonFixture.waitUntilGone(processes)
            #expect(memory.filter(\.isThere).isEmpty, "shared memory of the killed server")
            #expect(fixture.postmasters.count == 1 && fixture.postmasters != [pid])
            #expect(try await busy.end().status != 0)
        }
    }

    /// PostgreSQL ends all sessions when a backend is killed. Who connects meanwhile is held and never told so.
    @Test(arguments: ["handoff", "pump"]) func aKilledBackendIsNotNoticedByTheNextClient(front: String) async throws {
        try await withFault { fixture in
            let made = try await fixture.filled("shop", rows: 1000, "--front", front)
            let victim = try Client.start(made.url, named: "victim")
            victim.send("SELECT pg_sleep(600);\n")
            let backend = try await fixture.sees(made, client: "victim", state: "active")
            // All of these connect while PostgreSQL goes down and up again.
            let url = made.url
            kill(backend, SIGKILL)
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { try await fixture.rows(url) } }
                for try await rows in group { #expect(rows == DaemonFixture.whole()) }
            }
            #expect(try await victim.end().status != 0)
            // The postmaster is the same one, and the daemon knows.
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.pid == made.pid)
            try await fixture.answersWithinASecond(again)
        }
    }

    @Test(arguments: ["handoff", "pump"]) func aClientKilledInAQueryHarmsNobody(front: String) async throws {
        try await withFault { fixture in
            let made = try await fixture.filled("shop", rows: 1000, "--front", front)
            let other = try Client.start(made.url, named: "other")
            other.send("BEGIN; INSERT INTO kept SELECT 1001;\nSELECT 'mine is ' || pg_backend_pid();\n")
            let backend = try await fixture.sees(made, client: "other", state: "idle in transaction")

            // The server looks for the end of a client's socket by itself; it must be the client's own that it sees.
            let killed = try Client.start(made.url, named: "killed", options: "-c client_connection_check_interval=100ms")
            killed.send("SELECT count(*) FROM generate_series(1, 100000000000);\n")
            try await fixture.sees(made, client: "killed", state: "active")
            killed.signal(SIGKILL)
            try await fixture.seesNo(made, client: "killed")
            try await killed.end()

            other.send("SELECT 'still ' || pg_backend_pid(); COMMIT;\n")
            let said = try await other.end()
            #expect(said.status == 0 && said.output.contains("still \(backend)"), "\(said)")
            #expect(try await fixture.rows(made) == DaemonFixture.whole(1001))
        }
    }

    @Test(arguments: ["handoff", "pump"]) func aClientKilledInACopyHarmsNobody(front: String) async throws {
        try await withFault { fixture in
            let made = try await fixture.filled("shop", rows: 1000, "--front", front)
            let other = try Client.start(made.url, named: "other")
            other.send("BEGIN; INSERT INTO kept SELECT 1001;\n")
            try await fixture.sees(made, client: "other", state: "idle in transaction")

            // In: the rows that have come are not there afterwards, and the table is free.
            let writer = try Client.start(made.url, named: "writer")
            writer.send("COPY kept FROM STDIN;\n" + (2000..<4000).map { "\($0)\n" }.joined())
            try await fixture.sees(made, client: "writer", state: "active")
            writer.signal(SIGKILL)
            // Out: it is stuck in the middle, since nobody reads.
            let reader = try Client.start(made.url, named: "reader")
            reader.send("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 2000000)) TO STDOUT;\n")
            try await fixture.sees(made, client: "reader", state: "active")
            reader.signal(SIGKILL)
            try await fixture.seesNo(made, client: "writer")
            try await fixture.seesNo(made, client: "reader")
            try await writer.end()
            try await reader.end()

            other.send("COMMIT;\n")
            #expect(try await other.end().status == 0)
            try await fixture.psql(made.url, "SET lock_timeout = '10s'; BEGIN; LOCK kept; COMMIT")
            #expect(try await fixture.rows(made) == DaemonFixture.whole(1001))
        }
    }

    /// The daemon dies under load: no handed-off session notices, nothing is lost, and the server is adopted.
    @Test func sessionsOutliveTheDaemon() async throws {
        try await withFault { fixture in
            let made = try await fixture.made()
            try await fixture.psql(made.url, "CREATE TABLE kept (x int)")
            let writers = try (0..<4).map { try Client.start(made.url, named: "writer\($0)") }
            for (number, writer) in writers.enumerated() {
                writer.send((0..<50).map { "INSERT INTO kept VALUES (\(number * 1000 + $0));\n" }.joined())
            }
            for number in writers.indices { try await fixture.sees(made, client: "writer\(number)") }
            try await fixture.killDaemon()
            for writer in writers { writer.send((50..<100).map { "INSERT INTO kept VALUES (\($0));\n" }.joined()) }
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.pid == made.pid && again.url == made.url)
            for writer in writers {
                writer.send("SELECT 'done';\n")
                let said = try await writer.end()
                #expect(said.status == 0 && said.output.contains("done"), "\(said)")
            }
            try await fixture.answersWithinASecond(again, "SELECT count(*) FROM kept", expecting: "400")
            // Those whom the killed daemon let in have gone, and the first who asks hears it. The psql that waited for it may be
            // counted for a moment yet.
            try await fixture.psql(
                made.url, PostgresCluster.waiting(until: "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'writer%'"))
            #expect(try await fixture.facts("status", "shop")["sessions"] as? Int ?? .max <= 1)
        }
    }

    @Test func theServerIsKilledWhileNoDaemonRuns() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let pid = try #require(made.pid)
            let memory = SharedMemory.of(pid)
            let processes = fixture.serverProcesses()
            try await fixture.killDaemon()
            kill(pid, SIGKILL)
            try await DaemonFixture.waitUntilGone(processes)
            // The lock file and the shared memory of the dead server are still there.
            try await fixture.done("daemon", "start")
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            #expect(memory.filter(\.isThere).isEmpty, "shared memory of the killed server")
        }
    }
}

/// A psql that stays, fed with lines.
struct Client: Sendable {
    private let child: Child

    static func start(_ url: String, named name: String, options: String = "") throws -> Client {
        Client(
            child: try Child.start(
                "psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url], environment: ["PGAPPNAME": name, "PGOPTIONS": options]))
    }

    func send(_ text: String) { child.send(text) }
    func signal(_ number: Int32) { child.signal(number) }

    /// Ends its input and waits. Only once.
    @discardableResult
    func end() async throws -> CommandResult {
        try await onOwnThread {
            child.write("")
            return child.wait(seconds: 30)
        }
    }
}

extension DaemonFixture {
    /// Waits until the server has a session of that name in that state. - Returns: its backend.
    @discardableResult
    func sees(_ made: Made, client: String, state: String? = nil) async throws -> Int32 {
        let sessions = "FROM pg_stat_activity WHERE application_name = '\(client)'" + (state.map { " AND state = '\($0)'" } ?? "")
        let said = try await psql(made.url, PostgresCluster.waiting(until: "SELECT count(*) = 1 \(sessions)") + "; SELECT pid \(sessions)")
        guard let pid = Int32(said) else { throw TestFailure("\(client) has gone on: \(said)") }
        return pid
    }

    func seesNo(_ made: Made, client: String) async throws {
        try await wait(made.url, until: "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '\(client)'")
    }
}
