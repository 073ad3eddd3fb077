internal import Basics
internal import Loop
internal import PostgresSession

/// Statements on one session: sends, times, logs, classifies.
struct StatementSender {
    let session: Session
    let journal: Journal?
    /// When the request's time is over; nil: never.
    let deadline: ContinuousClock.Instant?
    let clock: LoopClock

    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? {
        let started = clock.now
        var remaining: Duration?
        if let deadline {
            let left = deadline - started
            guard left > .zero else { throw .timeout }
            remaining = left
        }
        let result: ResultView?
        do throws(PostgresError) {
            if statement.values.isEmpty {
                // The simple protocol, where one text may hold several statements.
                let results = try await session.results(statement.sql, timeout: remaining)
                result = results.count == 1 ? results[0] : nil
            } else {
                let parameters: Parameters
                do throws(PlanFailure) { parameters = try Binder.parameters(statement) } catch {
                    var refusal = PostgresError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")
                    refusal.severity = "ERROR"
                    throw refusal
                }
                result = try await session.resultsPrepared(statement.sql, parameters, timeout: remaining)
            }
        } catch {
            if error.kind == .timedOut, deadline != nil { throw .timeout }
            throw DatabaseFailure(error).failure(isRaw: isRaw)
        }
        journal?.query(statement, started: started, ended: clock.now)
        return result
    }

    /// BEGIN, COMMIT and the like: not logged (§12).
    func command(_ sql: String) async throws(PlanFailure) {
        do throws(PostgresError) {
            _ = try await session.results(sql)
        } catch {
            throw DatabaseFailure(error).failure(isRaw: false)
        }
    }
}

/// A plan outside transactions: each statement on a session out of the pool.
final class PooledDatabase: PlanDatabase {
    private let pool: SessionPool
    private let journal: Journal?
    private let deadline: ContinuousClock.Instant?
    private let clock: LoopClock
    let isTransaction = false

    init(pool: SessionPool, journal: Journal?, deadline: ContinuousClock.Instant?, clock: LoopClock) {
        self.pool = pool
        self.journal = journal
        self.deadline = deadline
        self.clock = clock
    }

    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? {
        let session = try await session(isRaw: isRaw)
        do throws(PlanFailure) {
            let result = try await sender(session).send(statement, isRaw: isRaw)
            let needsReset = isRaw && SessionReset.mayBeNeeded(statement.sql, result)
            pool.release(session, reusable: needsReset ? await SessionReset.reset(session) : true)
            return result
        } catch {
            // Of several statements the first may have done something.
            let needsReset = isRaw && statement.values.isEmpty
            pool.release(session, reusable: needsReset ? await SessionReset.reset(session) : true)
            throw error
        }
    }

    /// The wait for a session is part of the query's time.
    private func session(isRaw: Bool) async throws(PlanFailure) -> Session {
        guard let deadline, !pool.hasPlace, case let left = deadline - clock.now, left < pool.patience else {
            return try await pool.acquire(isRaw: isRaw)
        }
        do throws(PlanFailure) { return try await pool.acquire(patience: max(left, .zero), isRaw: isRaw) } catch {
            throw error.code == "P2024" || error.code == "P6008" ? .timeout : error
        }
    }

    private func sender(_ session: Session) -> StatementSender {
        StatementSender(session: session, journal: journal, deadline: deadline, clock: clock)
    }

    func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value {
        let session = try await session(isRaw: false)
        let sender = sender(session)
        let database = TransactionDatabase(sender)
        do throws(PlanFailure) {
            try await sender.command("BEGIN")
            let value = try await work(database)
            let started = clock.now
            try await sender.command("COMMIT")
            journal?.command("COMMIT", started: started, ended: clock.now)
            pool.release(session, reusable: database.needsReset ? await SessionReset.reset(session) : true)
            return value
        } catch {
            // The first error is the one that tells (§8.3).
            if session.isInTransaction, session.isOpen {
                let started = clock.now
                if (try? await sender.command("ROLLBACK")) != nil { journal?.command("ROLLBACK", started: started, ended: clock.now) }
            }
            // A lock for the session, say, outlives the ROLLBACK.
            pool.release(session, reusable: database.needsReset ? await SessionReset.reset(session) : true)
            throw error
        }
    }
}

/// A plan inside a transaction, internal or interactive: all on one session.
final class TransactionDatabase: PlanDatabase {
    private let sender: StatementSender
    let isTransaction = true
    /// Raw SQL may have left something in the session.
    private(set) var needsReset = false

    /// Why nothing may be sent any more; nil while it may.
    private let refusal: () -> PlanFailure?

    init(_ sender: StatementSender, refusal: @escaping () -> PlanFailure? = { nil }) {
        self.sender = sender
        self.refusal = refusal
    }

    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView? {
        if let failure = refusal() { throw failure }
        guard isRaw, !needsReset else { return try await sender.send(statement, isRaw: isRaw) }
        do throws(PlanFailure) {
            let result = try await sender.send(statement, isRaw: true)
            needsReset = SessionReset.mayBeNeeded(statement.sql, result)
            return result
        } catch {
            needsReset = statement.values.isEmpty
            throw error
        }
    }

    func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value {
        try await work(self)
    }
}
