internal import Basics
internal import Loop
internal import PostgresSession

/// Sessions with one database of one instance, given out one by one. Confined to the loop.
final class SessionPool {
    struct Limits: Sendable {
        /// Sessions at most: Prisma's formula, two per core and one (Prisma's documentation, "Connection pool").
        var sessions: Int
        /// How long a request waits for one (Prisma's pool_timeout).
        var patience: Duration = .seconds(10)
        /// A session that nobody wanted for so long is closed: DROP DATABASE waits for it. As node-postgres's pool has it.
        var idleTime: Duration = .seconds(10)
    }

    private let loop: Loop
    let limits: Limits
    /// Sessions that a person allows, if that is fewer; nil: no such limit. Holds at once: who waits may get one, idle ones go.
    var most: Int? {
        didSet {
            while busy < places, !waiters.isEmpty {
                busy += 1
                waiters.removeFirst().resume(.turn)
            }
            while !idle.isEmpty, busy + idle.count > places { idle.removeFirst().session.close() }
        }
    }
    private var places: Int { min(limits.sessions, most ?? .max) }
    /// A request need not wait.
    var hasPlace: Bool { busy < places }
    /// How long a request waits when it does not say. URLs may ask to wait for ever; a limit is there to be met.
    var patience: Duration { most == nil ? limits.patience : min(limits.patience, .seconds(10)) }
    /// Whether the server takes sessions and is to go on with that.
    private let isRunning: () -> Bool
    /// Wakes the server if it sleeps and connects.
    private let open: (_ isRaw: Bool) async throws(PlanFailure) -> Session
    private var idle: [(session: Session, since: ContinuousClock.Instant)] = []
    /// Given out, or on their way.
    private(set) var busy = 0
    private var waiters: [Waiting] = []
    private var sweeper: TimerHandle?
    private(set) var isClosed = false

    init(
        loop: Loop, limits: Limits, isRunning: @escaping () -> Bool, open: @escaping (_ isRaw: Bool) async throws(PlanFailure) -> Session
    ) {
        self.isRunning = isRunning
        self.loop = loop
        self.limits = limits
        self.open = open
    }

    var idleCount: Int { idle.count }
    /// Nobody has anything of it.
    var isUnused: Bool { busy == 0 && idle.isEmpty && waiters.isEmpty }

    /// One waiting request; resumed once.
    private final class Waiting {
        enum Outcome: Sendable { case turn, late, closed }
        var continuation: UnsafeContinuation<Outcome, Never>?
        func resume(_ outcome: Outcome) {
            let continuation = continuation
            self.continuation = nil
            continuation?.resume(returning: outcome)
        }
    }

    /// A session of one's own, to be given back by `release`.
    /// - Parameter isRaw: decides how a failure to connect reads.
    /// - Throws: P2024 when none got free in time; what connecting says.
    func acquire(patience: Duration? = nil, isRaw: Bool = false) async throws(PlanFailure) -> Session {
        let patience = patience ?? self.patience
        if busy >= places { try await waitForTurn(patience) } else { busy += 1 }
        // From here on one of the places is ours.
        guard !isClosed else {
            passOn()
            throw SessionPool.closed(isRaw: isRaw)
        }
        // Those of a server that is about to stop would only be ended with the statement.
        if !idle.isEmpty, !isRunning() { closeIdle() }

        while let last = idle.popLast() {
            // A server that went to sleep took it along; that is known without sending anything.
            if last.session.check() { return last.session }
            last.session.close()
        }
        do throws(PlanFailure) {
            return try await open(isRaw)
        } catch {
            passOn()
            throw error
        }
    }

    private static func closed(isRaw: Bool) -> PlanFailure { DatabaseFailure(kind: .connectionClosed).failure(isRaw: isRaw) }

    private func waitForTurn(_ patience: Duration) async throws(PlanFailure) {
        let waiting = Waiting()
        let timer = TimerHandle(loop: loop)
        defer { timer.close() }
        let outcome = await withUnsafeContinuation { continuation in
            waiting.continuation = continuation
            waiters.append(waiting)
            timer.start(after: patience) { [weak self] in
                self?.waiters.removeAll { $0 === waiting }
                waiting.resume(.late)
            }
        }
        if outcome == .closed { throw SessionPool.closed(isRaw: false) }
        guard outcome == .turn else {
            if let most, most < limits.sessions { throw .noConnection(most) }
            let seconds = patience.components.seconds
            throw .user(
                "P2024",
                "Timed out fetching a new connection from the connection pool. More info: http://pris.ly/d/connection-pool (Current connection pool timeout: \(seconds), connection limit: \(limits.sessions))",
                meta: .object([
                    JSON.Member("connection_limit", .number(String(limits.sessions))), JSON.Member("timeout", .number(String(seconds))),
                ]))
        }
    }

    /// Whoever waits longest gets the place.
    private func passOn() {
        guard !waiters.isEmpty, busy <= places else {
            busy -= 1
            return
        }
        waiters.removeFirst().resume(.turn)
    }

    /// - Parameter reusable: nothing of its user is left in it: no transaction, no setting.
    func release(_ session: Session, reusable: Bool) {
        if reusable, session.isOpen, !session.isInTransaction, !isClosed {
            idle.append((session, loop.clock.now))
            sweepLater()
        } else {
            session.close()
        }
        passOn()
    }

    private func closeIdle() {
        for entry in idle { entry.session.close() }
        idle = []
    }

    private func sweepLater() {
        guard sweeper == nil else { return }
        let timer = TimerHandle(loop: loop)
        sweeper = timer
        timer.start(after: limits.idleTime) { [weak self] in
            timer.close()
            guard let self else { return }
            self.sweeper = nil
            let now = self.loop.clock.now
            // The oldest stand first.
            while let first = self.idle.first, !first.session.isOpen || first.since.advanced(by: self.limits.idleTime) <= now {
                first.session.close()
                self.idle.removeFirst()
            }
            if !self.idle.isEmpty { self.sweepLater() }
        }
    }

    /// Ends idle sessions now and the others when they come back; who waits for one is told.
    func close() {
        isClosed = true
        sweeper?.close()
        sweeper = nil
        closeIdle()
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume(.closed) }
    }
}
