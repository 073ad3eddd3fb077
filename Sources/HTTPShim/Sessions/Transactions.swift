internal import Basics
internal import Loop
internal import PostgresSession

/// The interactive transactions of one database (HTTP protocol specification §5).
///
/// `@unchecked Sendable`: it and its transactions are touched on the loop's thread alone; the timer's task runs there too.
final class Transactions: @unchecked Sendable {
    /// Closed ones that are remembered for precise errors.
    static let memory = 100

    struct Options {
        /// Milliseconds.
        var maxWait: Double?
        var timeout: Double?
        var isolationLevel: String?
        /// What `timeout` is at most.
        var timeoutCap = Options.cap

        /// Five minutes, as prisma dev's.
        static let cap = 300_000.0
    }

    private enum Ending {
        case committed, rolledBack
        case expired(started: ContinuousClock.Instant, timeout: Duration)
    }

    /// A running one. `@unchecked Sendable`: as its owner, confined to the loop's thread.
    private final class Running: @unchecked Sendable {
        let id: String
        let pool: SessionPool
        let session: Session
        let started: ContinuousClock.Instant
        let timeout: Duration
        let timer: TimerHandle
        /// The savepoints of nested levels that are open, innermost last; numbers are not used again.
        var levels: [Int] = []
        var savepoints = 0
        /// Raw SQL may have left something behind.
        var needsReset = false
        var isBusy = false
        var queue: [UnsafeContinuation<Void, Never>] = []
        /// Set when it must not be used any more; whoever waits finds it.
        var isClosing = false

        init(id: String, pool: SessionPool, session: Session, started: ContinuousClock.Instant, timeout: Duration, timer: TimerHandle) {
            self.id = id
            self.pool = pool
            self.session = session
            self.started = started
            self.timeout = timeout
            self.timer = timer
        }
    }

    private let loop: Loop
    private let chance: Chance
    private var running: [String: Running] = [:]
    private var closed: [String: Ending] = [:]
    private var order: [String] = []

    init(loop: Loop, chance: Chance) {
        self.loop = loop
        self.chance = chance
    }

    private var starting = 0

    /// Nothing is lost with it but the memory of closed ones.
    var isUnused: Bool { running.isEmpty && starting == 0 }

    // MARK: Start

    /// - Returns: an id that can't be guessed.
    func start(_ options: Options, pool: SessionPool, journal: Journal?) async throws(PlanFailure) -> String {
        let (maxWait, timeout) = try Transactions.checked(options)
        starting += 1
        defer { starting -= 1 }
        let began = loop.clock.now
        let session: Session
        do throws(PlanFailure) {
            session = try await pool.acquire(patience: maxWait)
        } catch {
            throw error.code == "P2024" ? Transactions.tooLate : error
        }
        let sender = StatementSender(session: session, journal: nil, deadline: nil, clock: loop.clock)
        do throws(PlanFailure) {
            try await sender.command(options.isolationLevel.map { "BEGIN ISOLATION LEVEL \($0)" } ?? "BEGIN")
            guard loop.clock.now - began < maxWait else { throw Transactions.tooLate }
        } catch {
            if session.isInTransaction { try? await sender.command("ROLLBACK") }
            pool.release(session, reusable: true)
            throw error
        }
        let id = Generators.uuid(chance.bytes(16), version: 4)
        let timer = TimerHandle(loop: loop)
        let transaction = Running(id: id, pool: pool, session: session, started: loop.clock.now, timeout: timeout, timer: timer)
        running[id] = transaction
        timer.start(after: timeout) { [weak self] in
            guard let self else { return }
            self.expire(transaction)
        }
        return id
    }

    private static let tooLate = PlanFailure.transaction("Unable to start a transaction in the given time.")

    private static func checked(_ options: Options) throws(PlanFailure) -> (maxWait: Duration, timeout: Duration) {
        if options.isolationLevel == "SNAPSHOT" {
            throw .transaction(
                "Invalid isolation level: SNAPSHOT", meta: .object([JSON.Member("isolationLevel", .string("SNAPSHOT"))]))
        }
        let timeout = min(options.timeout ?? .infinity, options.timeoutCap)
        // Nothing is as if it were not given; less than nothing has passed already.
        guard timeout != 0 else { throw .transaction("timeout is required") }
        guard let maxWait = options.maxWait, maxWait != 0 else { throw .transaction("maxWait is required") }
        guard maxWait > 0 else { throw tooLate }
        return (.milliseconds(min(maxWait, 86_400_000)), .milliseconds(max(0, timeout)))
    }

    /// One level more inside a running transaction.
    func startNested(_ id: String, _ options: Options) async throws(PlanFailure) -> String {
        _ = try Transactions.checked(options)
        return try await exclusively(id, "start") { transaction async throws(PlanFailure) in
            try await self.sender(transaction, nil).command("SAVEPOINT prisma_sp_\(transaction.savepoints)")
            transaction.levels.append(transaction.savepoints)
            transaction.savepoints += 1
            return id
        }
    }

    // MARK: Use

    /// Runs a plan's work on the transaction's session, after what came before it.
    func use<T>(
        _ id: String, journal: Journal?, deadline: ContinuousClock.Instant?,
        _ work: (TransactionDatabase) async throws(PlanFailure) -> T
    ) async throws(PlanFailure) -> T {
        try await exclusively(id, "query") { transaction async throws(PlanFailure) in
            let sender = self.sender(transaction, journal, deadline)
            // Of a plan with several statements the next one must not come behind the ROLLBACK, on its own.
            let database = TransactionDatabase(sender) { transaction.isClosing ? self.failure(id, "query") : nil }
            defer { transaction.needsReset = transaction.needsReset || database.needsReset }
            return try await work(database)
        }
    }

    func commit(_ id: String, journal: Journal?) async throws(PlanFailure) {
        try await end(id, "commit", "COMMIT", "RELEASE SAVEPOINT", journal)
    }
    func rollback(_ id: String, journal: Journal?) async throws(PlanFailure) {
        try await end(id, "rollback", "ROLLBACK", "ROLLBACK TO SAVEPOINT", journal)
    }

    private func end(_ id: String, _ operation: String, _ sql: String, _ nested: String, _ journal: Journal?) async throws(PlanFailure) {
        try await exclusively(id, operation) { transaction async throws(PlanFailure) in
            let sender = self.sender(transaction, journal)
            if let level = transaction.levels.popLast() {
                let name = "prisma_sp_\(level)"
                try await sender.command("\(nested) \(name)")
                if operation == "rollback" { try await sender.command("RELEASE SAVEPOINT \(name)") }
                return
            }
            let started = self.loop.clock.now
            var failure: PlanFailure?
            do throws(PlanFailure) {
                try await sender.command(sql)
                journal?.command(sql, started: started, ended: self.loop.clock.now)
            } catch {
                failure = error
            }
            // Also a COMMIT that failed ends it.
            await self.finish(transaction, operation == "commit" ? .committed : .rolledBack)
            if let failure { throw failure }
        }
    }

    private func sender(_ transaction: Running, _ journal: Journal?, _ deadline: ContinuousClock.Instant? = nil) -> StatementSender {
        StatementSender(session: transaction.session, journal: journal, deadline: deadline, clock: loop.clock)
    }

    /// One after the other; who comes while it closes waits and is told how it ended.
    private func exclusively<T>(_ id: String, _ operation: String, _ work: (Running) async throws(PlanFailure) -> T)
        async throws(PlanFailure) -> T
    {
        guard let transaction = running[id] else { throw failure(id, operation) }
        if transaction.isBusy { await withUnsafeContinuation { transaction.queue.append($0) } }
        guard !transaction.isClosing else {
            next(transaction)
            throw failure(id, operation)
        }
        transaction.isBusy = true
        defer { next(transaction) }
        return try await work(transaction)
    }

    private func next(_ transaction: Running) {
        if transaction.queue.isEmpty { transaction.isBusy = false } else { transaction.queue.removeFirst().resume() }
    }

    // MARK: Ends

    private func expire(_ transaction: Running) {
        guard running[transaction.id] === transaction, !transaction.isClosing else { return }
        transaction.isClosing = true
        remember(transaction.id, .expired(started: transaction.started, timeout: transaction.timeout))
        // A statement under way is let end, and its client gets the answer; whoever waits is told what happened.
        loop.task { await self.giveBackInTurn(transaction) }
    }

    /// After the work that is under way, before what waits: the session must not be another's while it is in use here.
    private func giveBackInTurn(_ transaction: Running) async {
        if transaction.isBusy { await withUnsafeContinuation { transaction.queue.insert($0, at: 0) } }
        transaction.isBusy = true
        await giveBack(transaction)
        next(transaction)
    }

    private func finish(_ transaction: Running, _ ending: Ending) async {
        transaction.isClosing = true
        remember(transaction.id, ending)
        await giveBack(transaction)
    }

    private func giveBack(_ transaction: Running) async {
        guard running.removeValue(forKey: transaction.id) != nil else { return }
        transaction.timer.close()
        if transaction.session.isInTransaction {
            try? await sender(transaction, nil).command("ROLLBACK")
        }
        let reusable = transaction.needsReset ? await SessionReset.reset(transaction.session) : true
        transaction.pool.release(transaction.session, reusable: reusable)
    }

    private func remember(_ id: String, _ ending: Ending) {
        if closed.updateValue(ending, forKey: id) == nil { order.append(id) }
        if order.count > Transactions.memory { closed[order.removeFirst()] = nil }
    }

    private func failure(_ id: String, _ operation: String) -> PlanFailure {
        switch closed[id] {
        case nil:
            return .transaction(
                "Transaction not found. Transaction ID is invalid, refers to an old closed transaction Prisma doesn't have information about anymore, or was obtained before disconnecting."
            )
        case .committed: return .transaction("Transaction already closed: A \(operation) cannot be executed on a committed transaction.")
        case .rolledBack:
            return .transaction("Transaction already closed: A \(operation) cannot be executed on a transaction that was rolled back.")
        case .expired(let started, let timeout):
            let passed = Transactions.milliseconds(loop.clock.now - started)
            let limit = Transactions.milliseconds(timeout)
            return .transaction(
                "A \(operation) cannot be executed on an expired transaction. The timeout for this transaction was \(limit) ms, however \(passed) ms passed since the start of the transaction. Consider increasing the interactive transaction timeout or doing less work in the transaction.",
                meta: .object([
                    JSON.Member("operation", .string(operation)), JSON.Member("timeout", .number(String(limit))),
                    JSON.Member("timeTaken", .number(String(passed))),
                ]))
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    }

    /// The daemon stops: all are rolled back.
    func closeAll() async {
        for transaction in Array(running.values) {
            if !transaction.isClosing {
                transaction.isClosing = true
                remember(transaction.id, .rolledBack)
            }
            if transaction.isBusy { await transaction.session.cancel() }
            await giveBackInTurn(transaction)
        }
    }
}
