import Basics
import Loop
import PostgresSession
import TestSupport
import Testing

@Suite(WithServer(), .timeLimit(.minutes(2))) struct StreamTests {
    /// Keeps what it is given, as text.
    private final class Sink: ResultSink {
        var seen: [String] = []
        var flushEvery = Int.max
        var stopAfter = Int.max
        var flushed: () async -> Void = {}
        private var rows = 0

        func take(_ result: ResultView, isRow: Bool) throws(PostgresError) -> Bool {
            guard isRow else {
                seen.append("\(result.commandTag)/\(result.columnCount)")
                return false
            }
            rows += 1
            if rows > stopAfter { throw PostgresError(sqlState: nil, message: "enough", kind: .cancelled) }
            if rows <= 100 { seen.append(result.text(row: 0, column: 0) ?? "NULL") }
            return rows % flushEvery == 0
        }

        func flush() async throws(PostgresError) { await flushed() }
    }

    @Test func rowsComeOneByOneAndEachStatementEnds() async throws {
        let parameters = try WithServer.server().parameters
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, parameters, timeout: .seconds(10))
            defer { session.close() }
            let sink = Sink()
            try await session.stream("select 1; create temp table a(b int); select g from generate_series(1, 2) g", Parameters(), to: sink)
            #expect(sink.seen == ["1", "SELECT 1/1", "CREATE TABLE/0", "1", "2", "SELECT 2/1"])
            var values = Parameters()
            try values.append(text: "x".utf8)
            values.append(binary: [1, 0, 2])
            values.appendNull()
            let typed = Sink()
            try await session.stream("select $1::text || encode($2::bytea, 'hex') || coalesce($3, '!')", values, to: typed)
            #expect(typed.seen == ["x010002!", "SELECT 1/1"])
        }
    }

    @Test func failuresLeaveAUsableSession() async throws {
        let parameters = try WithServer.server().parameters
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, parameters, timeout: .seconds(10))
            defer { session.close() }
            for (sql, code) in [
                ("select 1 / (3 - g) from generate_series(1, 3) g", "22012"), ("selec", "42601"), ("copy pg_class to stdout", "0A000"),
                ("create temp table c(d int); copy c from stdin", "57014"),
            ] {
                let error = await failure { () async throws(PostgresError) in try await session.stream(sql, Parameters(), to: Sink()) }
                #expect(error?.sqlState == code, "\(sql)")
                #expect(try await session.query("select 1").value == "1")
            }
            let sink = Sink()
            sink.stopAfter = 10
            let enough = await failure { () async throws(PostgresError) in
                try await session.stream("select generate_series(1, 1000000000000)", Parameters(), to: sink)
            }
            #expect(enough?.message == "enough" && sink.seen.count == 10)
            #expect(try await session.query("select 2").value == "2")
        }
    }

    /// While a flush suspends the server waits.
    @Test func nobodyReadsAhead() async throws {
        let parameters = try WithServer.server().parameters
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, parameters, timeout: .seconds(10))
            defer { session.close() }
            let watcher = try await Session.connect(loop: loop, parameters, timeout: .seconds(10))
            defer { watcher.close() }
            let sink = Sink()
            sink.flushEvery = 1000
            var waits = 0
            let pid = session.backendPID
            sink.flushed = {
                guard waits == 0 else { return }
                waits += 1
                // Until the server can send no more.
                let sql = "select wait_event from pg_stat_activity where pid = \(pid)"
                for _ in 0..<1000 {
                    if (try? await watcher.query(sql).value) == "ClientWrite" { return }
                    await loop.turn()
                }
                waits = 0
            }
            try await session.stream("select repeat('x', 1000) from generate_series(1, 100000)", Parameters(), to: sink)
            #expect(waits == 1 && sink.seen.last == "SELECT 100000/1")
        }
    }

    @Test func aCancelledTaskCancelsTheStatement() async throws {
        let parameters = try WithServer.server().parameters
        try await LoopThread.run { loop in
            let (begun, begin) = AsyncStream.makeStream(of: Void.self)
            let task = loop.task { () async -> PostgresError? in
                guard let session = try? await Session.connect(loop: loop, parameters, timeout: .seconds(10)) else { return nil }
                defer { session.close() }
                let sink = Sink()
                sink.flushEvery = 1000
                sink.flushed = { begin.yield() }
                let error = await failure { () async throws(PostgresError) in
                    try await session.stream("select generate_series(1, 1000000000000)", Parameters(), to: sink)
                }
                // The server has let go of the statement.
                return session.isOpen && !session.isInTransaction ? error : nil
            }
            var beginnings = begun.makeAsyncIterator()
            await beginnings.next()
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
        }
    }
}
