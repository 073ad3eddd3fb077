import Basics
import Foundation
import Loop
import PostgresSession
import TestSupport
import Testing

@Suite(WithServer(), .timeLimit(.minutes(2))) struct SessionTests {
    @Test func asksAndAnswers() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            #expect(session.serverVersion >= 130_000)
            #expect(session.parameter("client_encoding") == "UTF8")
            #expect(session.backendPID > 0)
            let rows = try await session.query(
                "SELECT $1::int + 1 AS next, $2::text AS text, $3::text AS none", ["41", "Grüße \u{1F600}", nil])
            #expect(rows == Rows(columns: ["next", "text", "none"], rows: [["42", "Grüße \u{1F600}", nil]]))
            #expect(try await session.query("SELECT 1; SELECT 2 AS two").value == "2")
            #expect(try await session.query("").rows.isEmpty)
            #expect(try await session.query("SELECT 1 WHERE false").value == nil)
            let all = try await session.results("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a, a::text b FROM t")
            #expect(all.map(\.commandTag) == ["CREATE TABLE", "INSERT 0 2", "SELECT 2"])
            #expect(all.map(\.affectedRows) == [nil, 2, 2])
            let view = all[2]
            #expect([view.columnType(0), view.columnType(1), view.columnType(2), view.columnType(-1)] == [23, 25, 0, 0])
            #expect(view.columnName(1) == "b" && view.columnName(7) == nil)
            #expect(view.withCell(row: 1, column: 1) { $0.map { Array($0) } } == Array("2".utf8))
            for (row, column) in [(2, 0), (0, 2), (-1, 0), (0, -1), (.max, .max)] { #expect(view.text(row: row, column: column) == nil) }
            #expect(session.isInTransaction == false)
            _ = try await session.query("BEGIN")
            #expect(session.isInTransaction)
            session.close()
            session.close()
            #expect(session.isOpen == false && session.serverVersion == 0)
            #expect(await failure { () throws(PostgresError) in try await session.query("SELECT 1") }?.kind == .misuse)
        }
    }

    @Test func errorsAreTheServers() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let division = await failure { () throws(PostgresError) in try await session.query("SELECT 1 / $1::int", ["0"]) }
            #expect(division?.sqlState == "22012" && division?.kind == .server && division?.severity == "ERROR")
            _ = try await session.query("CREATE TEMP TABLE u (id int CONSTRAINT once PRIMARY KEY)")
            let unique = await failure { () throws(PostgresError) in try await session.query("INSERT INTO u VALUES (1), (1)") }
            #expect(unique?.sqlState == "23505" && unique?.constraint == "once" && unique?.table == "u")
            #expect(unique?.detail?.contains("(1)") == true && unique?.description.contains("(1)") == false)
            let syntax = await failure { () throws(PostgresError) in try await session.query("SELECT 1; SELEC 2") }
            #expect(syntax?.sqlState == "42601" && syntax?.position == 11)
            // What can't be sent is not sent.
            for sql in ["SELECT '\0'", "SELECT $1"] {
                #expect(await failure { () throws(PostgresError) in try await session.query(sql, ["a\0b"]) }?.kind == .misuse)
            }
            let many = [String?](repeating: "1", count: 70_000)
            #expect(await failure { () throws(PostgresError) in try await session.query("SELECT $1", many) } != nil)
            #expect(try await session.query("SELECT 'still here'").value == "still here")
            // COPY has nobody at the other end: what it sends is thrown away, what it wants is refused.
            let out = try await session.results("COPY (SELECT generate_series(1, 100000)) TO STDOUT")
            #expect(out.first?.affectedRows == 100_000)
            _ = try await session.query("CREATE TEMP TABLE copied (a int)")
            let copyIn = await failure { () throws(PostgresError) in try await session.query("COPY copied FROM STDIN") }
            #expect(copyIn?.sqlState == "57014" && copyIn?.message.contains("No source stream defined") == true)
            #expect(try await session.query("SELECT 'still here'").value == "still here")
        }
    }

    @Test func connectingFailsWithTheReason() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            func attempt(_ change: [String: String], timeout: Duration = .seconds(10)) async -> PostgresError? {
                let parameters = server.parameters.merging(change) { _, new in new }
                return await failure { () throws(PostgresError) in try await Session.connect(loop: loop, parameters, timeout: timeout) }
            }
            let database = await attempt(["dbname": "nowhere"])
            #expect(database?.sqlState == "3D000" && database?.message == "database \"nowhere\" does not exist")
            let role = await attempt(["user": "nobody-here", "password": "s3cret-pass"])
            #expect(role?.sqlState == "28P01")
            #expect(role.map { "\($0)" }?.contains("s3cret") == false)
            let nobody = await attempt(["host": "/tmp/devdb-nothing-here"])
            #expect(nobody?.sqlState == nil && nobody?.kind == .connection)
            #expect(await attempt(["dbname": "a\0b"])?.kind == .misuse)
            #expect(await attempt(["no_such_keyword": "x", "password": "s3cret-pass"])?.message.contains("s3cret") == false)
            let silent = try FakeServer(answer: nil)
            #expect(await attempt(["host": silent.folder], timeout: .milliseconds(50))?.kind == .timedOut)
            let task = loop.task { await attempt(["host": silent.folder]) }
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
            let rude = try FakeServer(answer: [])
            #expect(await attempt(["host": rude.folder])?.kind == .connection)
            let noise = try FakeServer(answer: [UInt8](repeating: 0xee, count: 500))
            #expect(await attempt(["host": noise.folder])?.sqlState == nil)
        }
    }

    /// Ends when that session is in the middle of a statement.
    private static func active(_ pid: Int32) -> String {
        PostgresCluster.waiting(until: "SELECT state = 'active' FROM pg_stat_activity WHERE pid = \(pid)")
    }

    @Test func cancellationEndsTheStatementNotTheSession() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let other = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let pid = session.backendPID
            for _ in 0..<5 {
                let box = Box(session)
                let task = loop.task { await failure { () throws(PostgresError) in try await box.value.query("SELECT pg_sleep(60)") } }
                _ = try await other.query(Self.active(pid))
                task.cancel()
                #expect(await task.value?.kind == .cancelled)
                #expect(session.isOpen)
                #expect(try await session.query("SELECT 7").value == "7")
            }
            let late = await failure { () throws(PostgresError) in
                try await session.query("SELECT pg_sleep(60)", timeout: .milliseconds(30))
            }
            #expect(late?.kind == .timedOut)
            #expect(try await session.query("SELECT 8", timeout: .seconds(10)).value == "8")
        }
    }

    @Test func aSessionEndedByTheServerIsNoticed() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let other = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            // In the middle of a statement.
            let busy = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let pid = busy.backendPID
            let box = Box(busy)
            let task = loop.task { await failure { () throws(PostgresError) in try await box.value.query("SELECT pg_sleep(60)") } }
            _ = try await other.query(Self.active(pid))
            _ = try await other.query("SELECT pg_terminate_backend($1::int)", ["\(pid)"])
            #expect(await task.value?.sqlState == "57P01")
            #expect(busy.isOpen == false)
            // While nobody asks.
            let idle = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let (ends, out) = AsyncStream.makeStream(of: Void.self)
            let watch = try ExitWatch(loop: loop, pid: idle.backendPID) { out.finish() }
            _ = try await other.query("SELECT pg_terminate_backend($1::int)", ["\(idle.backendPID)"])
            for await _ in ends {}
            watch.close()
            // Its socket is closed now, and the loop looks at its descriptors before it goes on.
            await loop.turn()
            #expect(idle.isOpen == false)
            #expect(await failure { () throws(PostgresError) in try await idle.query("SELECT 1") }?.kind == .connection)
            // By ourselves.
            let closed = Box(try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10)))
            let closing = loop.task { await failure { () throws(PostgresError) in try await closed.value.query("SELECT pg_sleep(60)") } }
            _ = try await other.query(Self.active(closed.value.backendPID))
            closed.value.close()
            #expect(await closing.value != nil)
        }
    }

    /// Between a backend's last words and its end lies its whole tidying up: nothing is asked of it any more.
    @Test func aServersLastWordsEndAnIdleSession() async throws {
        let ready: [UInt8] = [UInt8(ascii: "R"), 0, 0, 0, 8, 0, 0, 0, 0, UInt8(ascii: "Z"), 0, 0, 0, 5, UInt8(ascii: "I")]
        let words = FakeServer.error("57P01", "terminating connection due to administrator command")
        let server = try FakeServer(answer: ready + words, stays: true)
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, ["host": server.folder], timeout: .seconds(10))
            #expect(session.check() == false)
            #expect(await failure { () throws(PostgresError) in try await session.query("SELECT 1") }?.kind == .connection)
            session.close()
        }
    }

    @Test func aKilledServerIsNoStatement() async throws {
        let server = try await PostgresCluster.start()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let other = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let pid = session.backendPID
            let box = Box(session)
            let task = loop.task { await failure { () throws(PostgresError) in try await box.value.query("SELECT pg_sleep(60)") } }
            _ = try await other.query(Self.active(pid))
            kill(pid, SIGKILL)
            let error = await task.value
            #expect(error?.sqlState == nil && error?.kind == .connection)
        }
    }

    @Test func tasksShareASessionInTurn() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = Box(try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10)))
            let tasks = (0..<50).map { number in
                loop.task { try? await session.value.query("SELECT $1::int, pg_sleep(0.001)", ["\(number)"]).value }
            }
            for (number, task) in tasks.enumerated() { #expect(await task.value == "\(number)") }
        }
    }

    @Test func manySessionsAtOnce() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let tasks = (0..<60).map { number in
                loop.task { () async -> String? in
                    guard let session = try? await Session.connect(loop: loop, server.parameters, timeout: .seconds(30)) else { return nil }
                    defer { session.close() }
                    return try? await session.query("SELECT $1::text", ["\(number)"]).value
                }
            }
            for (number, task) in tasks.enumerated() { #expect(await task.value == "\(number)") }
        }
    }

    @Test func bigThingsPass() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let text = String(repeating: "0123456789abcdef", count: 1 << 19)
            let result = try await session.results("SELECT length($1::text), $1::text", [text])
            #expect(result.first?.text(row: 0, column: 0) == "\(text.utf8.count)")
            #expect(result.first?.text(row: 0, column: 1) == text)
            let rows = try await session.results("SELECT g, repeat('x', 50) FROM generate_series(1, 100000) g")
            #expect(rows.first?.rowCount == 100_000)
            #expect(rows.first?.text(row: 99_999, column: 0) == "100000")
        }
    }

    @Test func preparedStatementsAreKeptAndRenewed() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let named = "SELECT count(*) FROM pg_prepared_statements"
            // Often enough it has a name, and is right with and without.
            for number in 0..<500 {
                let result = try await session.resultsPrepared("SELECT $1::int * 2", ["\(number)"])
                #expect(result?.text(row: 0, column: 0) == "\(number * 2)")
                if number > 5, try await session.query(named).value == "1" { break }
            }
            #expect(try await session.query(named).value == "1")
            // The server has forgotten it.
            for forgetting in ["DISCARD ALL", "DEALLOCATE ALL"] {
                _ = try await session.query(forgetting)
                #expect(try await session.resultsPrepared("SELECT $1::int * 2", ["1"])?.text(row: 0, column: 0) == "2")
            }
            _ = try await session.query("CREATE TEMP TABLE p (a int)")
            #expect(try await session.resultsPrepared("SELECT * FROM p")?.columnCount == 1)
            _ = try await session.query("ALTER TABLE p ADD b int")
            #expect(try await session.resultsPrepared("SELECT * FROM p")?.columnCount == 2)
            #expect(await failure { () throws(PostgresError) in try await session.resultsPrepared("SELEC") }?.sqlState == "42601")
            for number in 0..<520 {
                for _ in 0..<2 { _ = try await session.resultsPrepared("SELECT \(number)") }
            }
            let count = try await session.query(named).value.flatMap { Int($0) }
            #expect(count.map { $0 <= 500 } == true)
        }
    }

    /// The types of a statement's parameters are the columns' of now, not those of when it was first sent.
    @Test(arguments: ["text", "uuid", "numeric", "bigint", "jsonb"])
    func changedColumnsAreSeen(type: String) async throws {
        let server = try WithServer.server()
        let values = [
            "text": "abc", "uuid": "8f0e2b39-0d1f-4ac0-9f6b-111111111111", "numeric": "1.5", "bigint": "5000000000", "jsonb": "[1]",
        ]
        let value = try #require(values[type])
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let (insert, select) = ("INSERT INTO t VALUES ($1) RETURNING code", "SELECT code FROM t WHERE code = $1")
            _ = try await session.query("CREATE TEMP TABLE t (code int)")
            for _ in 0..<10 {
                _ = try await session.resultsPrepared(insert, ["1"])
                #expect(try await session.resultsPrepared(select, ["1"])?.rowCount ?? 0 > 0)
            }
            _ = try await session.query("DROP TABLE t; CREATE TEMP TABLE t (code \(type))")
            #expect(try await session.resultsPrepared(insert, [value])?.rowCount == 1)
            #expect(try await session.resultsPrepared(select, [value])?.rowCount == 1)
            #expect(try await session.query("SELECT count(*) FROM t").value == "1")
        }
    }

    /// One failure would end a transaction, so nothing in it depends on what was prepared before.
    @Test func transactionsParseAnew() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            _ = try await session.query("CREATE TEMP TABLE t (code int)")
            for _ in 0..<10 { _ = try await session.resultsPrepared("SELECT * FROM t WHERE code = $1", ["1"]) }
            _ = try await session.query("BEGIN")
            _ = try await session.query("DEALLOCATE ALL")
            #expect(try await session.resultsPrepared("SELECT * FROM t WHERE code = $1", ["1"])?.columnCount == 1)
            _ = try await session.query("ALTER TABLE t ADD more text, ALTER code TYPE text")
            #expect(try await session.resultsPrepared("SELECT * FROM t WHERE code = $1", ["abc"])?.columnCount == 2)
            _ = try await session.query("COMMIT")
            #expect(try await session.resultsPrepared("SELECT * FROM t WHERE code = $1", ["abc"])?.columnCount == 2)
        }
    }

    /// It may have committed before it failed.
    @Test func proceduresAreCalledOnce() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            let name = "calls_\(UInt32.random(in: 0 ... .max))"
            _ = try await session.query(
                """
                CREATE TABLE \(name) (n int);
                CREATE PROCEDURE \(name)_p(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO \(name) VALUES (n); COMMIT; PERFORM 1 / (n - 1); END $$
                """)
            for _ in 0..<10 { _ = try await session.resultsPrepared("CALL \(name)_p($1)", ["2"]) }
            let failed = await failure { () throws(PostgresError) in try await session.resultsPrepared("CALL \(name)_p($1)", ["1"]) }
            #expect(failed?.sqlState == "22012")
            #expect(try await session.query("SELECT count(*) FROM \(name) WHERE n = 1").value == "1")
            _ = try await session.query("DROP PROCEDURE \(name)_p; DROP TABLE \(name)")
        }
    }

    /// A list of values makes a statement for each length: they are bounded by their bytes too.
    @Test func longStatementsDoNotPileUp() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            let session = try await Session.connect(loop: loop, server.parameters, timeout: .seconds(10))
            func list(_ count: Int) -> String {
                "SELECT $1::int IN (" + (0..<count).map { "\($0 + 1_000_000)" }.joined(separator: ",") + ")"
            }
            for count in 5_000..<5_060 {
                for _ in 0..<2 {
                    #expect(try await session.resultsPrepared(list(count), ["\(count + 999_999)"])?.text(row: 0, column: 0) == "t")
                }
            }
            let kept = try await session.query("SELECT sum(length(statement)) < 2000000, count(*) > 10 FROM pg_prepared_statements")
            #expect(kept.rows == [["t", "t"]])
            let before = try await session.query("SELECT count(*) FROM pg_prepared_statements").value
            for _ in 0..<2 { #expect(try await session.resultsPrepared(list(15_000), ["1"])?.text(row: 0, column: 0) == "f") }
            #expect(try await session.query("SELECT count(*) FROM pg_prepared_statements").value == before)
        }
    }

    @Test func pingHasGrades() async throws {
        let server = try WithServer.server()
        try await LoopThread.run { loop in
            #expect(await Ping.ask(loop: loop, server.parameters, timeout: .seconds(10)) == .accepting)
            #expect(await Ping.ask(loop: loop, server.parameters.merging(["dbname": "none"]) { $1 }, timeout: .seconds(10)) == .accepting)
            let starting = try FakeServer(answer: FakeServer.error("57P03", "the database system is starting up"))
            #expect(
                await Ping.ask(loop: loop, ["host": starting.folder, "user": "x"], timeout: .seconds(10))
                    == .rejecting("the database system is starting up"))
            guard case .noAnswer = await Ping.ask(loop: loop, ["host": "/tmp/devdb-nothing-here", "user": "x"], timeout: .seconds(10))
            else {
                Issue.record("an answer from nobody")
                return
            }
        }
    }
}

/// Carries a session into a task on the same loop.
private struct Box: @unchecked Sendable {
    // Both sides run on the loop's thread.
    let value: Session
    init(_ value: Session) { self.value = value }
}
