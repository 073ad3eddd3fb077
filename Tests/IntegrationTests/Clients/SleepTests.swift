import CLibpq
import Foundation
import TestSupport
import Testing

/// A database that sleeps is there for whoever comes.
@Suite struct SleepTests {
    @Test func sleepsWhenIdleAndWakes() async throws {
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0", "--idle", "1s")
            let url = try made.text("url")
            try await fixture.psql(url, "create table t as select generate_series(1, 10) as n")
            try await fixture.untilAsleep("default")
            #expect(fixture.postmasters.isEmpty)
            #expect(try await fixture.facts("status")["pid"] is NSNull)
            #expect(try await fixture.psql(url, "select sum(n) from t") == "55")
            // The shadow port wakes it as well.
            try await fixture.untilAsleep("default")
            #expect(try await fixture.psql(made.text("shadowUrl"), "select current_database()") == "devdb_shadow")
            // More on a slow machine, where it may sleep between two commands.
            #expect(try fixture.starts(made) >= 3)
        }
    }

    @Test(arguments: ["handoff", "pump"])
    func twoHundredClientsAtOnceAreOneStart(_ front: String) async throws {
        try await DaemonFixture.run { fixture in
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0", "--front", front)
            try await fixture.done("stop", "default", "--yes")
            let url = try made.text("url")
            let errors = try await onOwnThread { try Crowd.connect(200, url) }
            #expect(errors.isEmpty, "\(errors.count) of 200: \(errors.first ?? "")")
            #expect(try fixture.starts(made) == 2)
        }
    }
}

/// Many libpq clients at once, on one thread.
private enum Crowd {
    /// All open before the first one asks; all stay until the last one has its answer.
    /// - Returns: what failed.
    static func connect(_ count: Int, _ url: String, seconds: Int = 60) throws -> [String] {
        let clients = (0..<count).map { _ in PQconnectStart(url) }
        defer { for client in clients { PQfinish(client) } }
        var waitsFor = clients.map { PQsocket($0) < 0 ? 0 : Int16(POLLOUT) }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while waitsFor.contains(where: { $0 != 0 }) {
            guard ContinuousClock.now < deadline else { throw TestFailure("\(waitsFor.count { $0 != 0 }) clients still wait") }
            let open = waitsFor.indices.filter { waitsFor[$0] != 0 }
            // A name with several addresses is tried with a new socket for each.
            var polls = open.map { pollfd(fd: PQsocket(clients[$0]), events: waitsFor[$0], revents: 0) }
            guard poll(&polls, nfds_t(polls.count), 1_000) >= 0 else { throw TestFailure("poll: \(errno)") }
            for (index, polled) in zip(open, polls) where polled.revents != 0 {
                switch PQconnectPoll(clients[index]) {
                case PGRES_POLLING_READING: waitsFor[index] = Int16(POLLIN)
                case PGRES_POLLING_WRITING: waitsFor[index] = Int16(POLLOUT)
                default: waitsFor[index] = 0
                }
            }
        }
        return clients.compactMap { client in
            let result = PQexec(client, "select 1")
            defer { PQclear(result) }
            guard PQresultStatus(result) != PGRES_TUPLES_OK else { return nil }
            return PQerrorMessage(client).map { String(cString: $0) } ?? "?"
        }
    }
}
