internal import Basics
internal import Registry

/// What owners run on: the daemon's loop, or the simulation.
typealias OwnerExecutor = SerialExecutor & TaskExecutor

/// The one owner of an instance: feeds its machine, performs the actions, keeps the continuations of those who wait.
actor InstanceOwner {
    typealias Answer = Result<Endpoint?, DevError>

    private nonisolated let executor: any OwnerExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let effects: any InstanceEffects
    private let time: TimeSource
    private let log: Log

    private(set) var record: InstanceRecord
    private(set) var machine: InstanceMachine
    /// The process of the current attempt, from its launch to its end.
    private(set) var server: Server?
    /// Set while the server takes sessions.
    private(set) var endpoint: Endpoint?
    /// Client sessions that the front knows of.
    private(set) var sessions = 0

    private var startIntent: Int64?
    private var stopIntent: Int64?
    private var snapshot: LoginSnapshot?

    private var continuations: [Waiter: CheckedContinuation<Answer, Never>] = [:]
    private var nextWaiter: UInt64 = 0

    private var idleness: Idleness
    private var idleTimer: Task<Void, Never>?
    private var closed = false

    init(
        record: InstanceRecord, state: InstanceMachine.State, effects: any InstanceEffects, executor: any OwnerExecutor,
        time: TimeSource, log: Log
    ) {
        self.record = record
        id = record.id
        self.effects = effects
        self.executor = executor
        self.time = time
        self.log = log
        machine = InstanceMachine(name: record.name.text, state: state)
        idleness = Idleness(since: time.monotonic())
    }

    // MARK: Callers

    /// Waits until the server takes sessions; wakes it if it sleeps.
    func awake() async throws(DevError) -> Endpoint {
        if let endpoint = running() { return endpoint }
        guard let endpoint = try await wait({ .clientArrived($0) }) else {
            throw DevError(.internal, "No endpoint came of a start", object: record.name.text)
        }
        return endpoint
    }

    /// The address of a server that takes sessions now; whoever asks is going to use it.
    func running() -> Endpoint? {
        guard case .running = machine.state, let endpoint, !closed else { return nil }
        used()
        return endpoint
    }

    var isRunning: Bool { if case .running = machine.state { !closed } else { false } }

    func stop() async throws(DevError) { _ = try await wait { .stopAsked($0) } }
    /// Waits for the end of a stop that can't be called off any more, without a wish for what comes after it; at once when
    /// there is none.
    func stopEnded() async throws(DevError) {
        guard case .stopping(let stopping) = machine.state, !stopping.idle || stopping.phase != .preparing else { return }
        try await stop()
    }
    func remove() async throws(DevError) { _ = try await wait { .removeAsked($0) } }
    func repair() { send(.repairAsked) }
    func assign(ports: [PortRecord]) { record.ports = ports }
    nonisolated let id: String

    /// Why it is broken, if it is.
    var brokenReason: String? {
        if case .broken(let broken) = machine.state { broken.failure.error.description } else { nil }
    }
    func created(_ record: InstanceRecord) {
        self.record = record
        send(.created)
    }
    func creationFailed(_ error: DevError) { send(.creationFailed(error)) }

    /// Takes over a server that an earlier daemon started. The owner was made in `starting(launched)`.
    /// - Parameter stopping: the intent of a stop that was begun, which goes on under it: another daemon may die in the middle.
    func adopt(_ server: Server, stopping: Int64?) {
        watch(server, attempt: machine.attempt)
        guard let stopping else { return }
        stopIntent = stopping
        send(.stopAsked(nil))
    }

    func sessionChanged(began: Bool) {
        sessions = max(0, sessions + (began ? 1 : -1))
        used()
    }

    /// Saves a changed record; what waits for a restart is the caller's to say.
    func configure(_ change: (inout InstanceRecord) -> Void) async throws(DevError) -> InstanceRecord {
        switch machine.state {
        case .absent, .deleting: throw machine.gone
        case .creating, .stopped, .starting, .recovering, .running, .stopping, .broken: break
        }
        let before = record
        change(&record)
        let after = record
        guard after != before else { return after }
        do {
            try await effects.save(after)
        } catch {
            // Only what was asked for goes back; the world may have moved on while we waited.
            if record == after { record = before }
            throw error
        }
        if after.idle != before.idle, case .running = machine.state { armIdleDeadline(machine.attempt) }
        return after
    }

    /// Lets go: no more events are taken, servers go on, all who wait are told.
    func close() {
        closed = true
        idleTimer?.cancel()
        let leaving = DevError(.cancelled, "The daemon is leaving", object: record.name.text, help: "Try again")
        for waiter in continuations.keys.sorted(by: { $0.number < $1.number }) { resume(waiter, .failure(leaving)) }
    }

    // MARK: The machine

    private func send(_ event: InstanceMachine.Event) {
        guard !closed else { return }
        let before = machine.publicState
        let actions = machine.apply(event, now: time.monotonic())
        let after = machine.publicState
        if before != after { log.info("state", ["instance": record.name, "from": before.rawValue, "to": after.rawValue]) }
        for action in actions { perform(action) }
    }

    /// Nothing here suspends or sends an event before it returns: actions of one event are performed in one piece.
    private func perform(_ action: InstanceMachine.Action) {
        switch action {
        case .launch(let attempt): start { await $0.launch(attempt) }
        case .delayLaunch(let attempt, let seconds):
            start {
                try? await $0.time.sleep(seconds)
                $0.send(.retryDelayPassed(attempt: attempt))
            }
        case .release(let waiters):
            used()
            for waiter in waiters { resume(waiter, .success(endpoint)) }
        case .answer(let waiters): for waiter in waiters { resume(waiter, .success(nil)) }
        case .refuse(let waiters, let error): for waiter in waiters { resume(waiter, .failure(error)) }
        case .armIdleDeadline(let attempt): armIdleDeadline(attempt)
        // These three are meant for the server of now: by the time the task runs there may be another.
        case .askIdleness(let attempt):
            guard let server else { return }
            start { await $0.askIdleness(server, attempt) }
        case .prepareStop(_, let number, let checkpoint):
            guard let server else { return }
            start { await $0.prepareStop(server, number, checkpoint: checkpoint) }
        case .signal(_, let signal):
            guard let server else { return }
            start { await $0.signal(server, signal) }
        case .armStopDeadline(let number):
            start {
                try? await $0.time.sleep(InstanceMachine.stopSeconds)
                $0.send(.stopDeadlinePassed(number: number))
            }
        case .finishStop(let number): start { await $0.finishStop(number) }
        case .markBroken(let failure): start { await $0.markBroken(failure) }
        case .clearBroken:
            record.brokenReason = nil
            start { await $0.saveQuietly() }
        case .checkCause: start { await $0.checkCause() }
        case .remove: start { await $0.performRemove() }
        }
    }

    /// Starts work of the owner on the executor.
    private func start(_ body: @escaping @Sendable (isolated InstanceOwner) async -> Void) {
        _ = Task(executorPreference: executor) { await body(self) }
    }

    // MARK: Those who wait

    private func wait(_ event: (Waiter) -> InstanceMachine.Event) async throws(DevError) -> Endpoint? {
        guard !closed else { throw DevError(.cancelled, "The daemon is leaving", object: record.name.text, help: "Try again") }
        nextWaiter += 1
        let waiter = Waiter(number: nextWaiter)
        let event = event(waiter)
        let answer: Answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                continuations[waiter] = continuation
                send(event)
            }
        } onCancel: { [executor] in
            _ = Task(executorPreference: executor) { await self.left(waiter) }
        }
        return try answer.get()
    }

    private func left(_ waiter: Waiter) {
        // Callers of stop and remove wait on: the machine keeps them, and their answer comes in bounded time.
        guard continuations[waiter] != nil else { return }
        send(.clientLeft(waiter))
        if !machine.waiting.contains(waiter) {
            resume(waiter, .failure(DevError(.cancelled, "The caller left", object: record.name.text)))
        }
    }

    private func resume(_ waiter: Waiter, _ answer: Answer) {
        continuations.removeValue(forKey: waiter)?.resume(returning: answer)
    }

    // MARK: Up

    private func launch(_ attempt: Int) async {
        // What was read at the last sleep holds no more once the server runs: ALTER ROLE may change it.
        record.verifierFresh = false
        do {
            let launch = try await effects.launch(record)
            record.pgBin = launch.pgBin
            record.pgVersion = launch.pgVersion
            startIntent = launch.intent
            watch(launch.server, attempt: attempt)
            send(.launched(attempt: attempt))
        } catch {
            send(.launchFailed(attempt: attempt, error))
        }
    }

    private func watch(_ server: Server, attempt: Int) {
        self.server = server
        idleness.begin(at: time.monotonic())
        start { await $0.followEnding(server, attempt) }
        start { await $0.followStatus(server, attempt) }
    }

    private func followEnding(_ server: Server, _ attempt: Int) async {
        let ending = await effects.ending(of: server, record)
        endpoint = nil
        self.server = nil
        if !ending.clean { snapshot = nil }
        let intent = startIntent
        startIntent = nil
        // In one piece with the lines above: between them a client would be let in to no server.
        send(.exited(attempt: attempt, clean: ending.clean, failure: ending.failure))
        if let intent { await effects.finishStart(intent) }
    }

    private func followStatus(_ server: Server, _ attempt: Int) async {
        var seen = ServerStatus.starting
        while !closed, self.server == server {
            let status = await effects.status(of: server, record, after: seen)
            guard self.server == server else { return }
            seen = status
            switch status {
            case .starting: break
            case .recovering:
                endpoint = nil
                send(.recoveryNoticed(attempt: attempt))
            case .ready(let endpoint):
                self.endpoint = endpoint
                send(.becameReady(attempt: attempt))
                await settleStart()
            case .ended: return
            }
        }
    }

    private func settleStart() async {
        guard let intent = startIntent else { return }
        startIntent = nil
        await effects.finishStart(intent)
    }

    // MARK: Down

    private func prepareStop(_ server: Server, _ number: Int, checkpoint: Bool) async {
        let intent = await effects.beginStop(record)
        let answer = await effects.loginSnapshot(of: server, checkpoint: checkpoint)
        guard case .stopping(let stopping) = machine.state, stopping.number == number else {
            // Called off by a client, or the server died and is up again.
            if let intent { await effects.abandonStop(intent) }
            return
        }
        guard stopping.phase == .preparing else {
            // The server ended by itself meanwhile.
            if let intent { await effects.abandonStop(intent) }
            return
        }
        stopIntent = intent
        snapshot = answer
        send(.stopPrepared(number: number))
    }

    private func signal(_ server: Server, _ signal: InstanceMachine.Signal) async {
        guard self.server == server else { return }
        if stopIntent == nil {
            let intent = await effects.beginStop(record)
            guard self.server == server else {
                // It ended while the registry wrote.
                if let intent { await effects.abandonStop(intent) }
                return
            }
            if stopIntent == nil {
                stopIntent = intent
            } else if let intent {
                // The next rung of the ladder came while the registry wrote, and was quicker.
                await effects.abandonStop(intent)
            }
        }
        await effects.signal(server, signal)
    }

    private func finishStop(_ number: Int) async {
        if let snapshot {
            record.verifier = snapshot.verifier
            record.verifierExpires = snapshot.expires
            record.roles = snapshot.roles
            record.verifierFresh = true
        }
        snapshot = nil
        let intent = stopIntent
        stopIntent = nil
        await effects.finishStop(intent, record)
        send(.stopFinished(number: number))
    }

    private func performRemove() async {
        do {
            try await effects.remove(record)
            send(.removed)
        } catch {
            send(.removeFailed(error))
        }
    }

    // MARK: Idleness

    private func used() { idleness.used(at: time.monotonic()) }

    private func armIdleDeadline(_ attempt: Int) {
        idleTimer?.cancel()
        idleTimer = nil
        guard case .seconds(let limit) = record.idle else { return }
        // One timer, moved only when it fires: a busy server costs no timer work per client.
        idleTimer = Task(executorPreference: executor) { await self.waitForIdleDeadline(attempt, limit: Double(limit)) }
    }

    private func waitForIdleDeadline(_ attempt: Int, limit: Double) async {
        while let left = idleness.left(of: limit, at: time.monotonic()) {
            do { try await time.sleep(left) } catch { return }
        }
        guard !Task.isCancelled else { return }
        send(.idleDeadlinePassed(attempt: attempt))
    }

    private func askIdleness(_ server: Server, _ attempt: Int) async {
        guard case .seconds(let limit) = record.idle else { return }
        let mark = idleness.uses
        let use = await effects.use(of: server)
        let isIdle = idleness.heard(use, limit: Double(limit), mark: mark, at: time.monotonic())
        send(.idlenessAnswered(attempt: attempt, idle: isIdle))
    }

    // MARK: Broken

    private func markBroken(_ failure: ServerFailure) async {
        record.brokenReason = failure.error.description
        await saveQuietly()
    }

    private func checkCause() async {
        send(.causeChecked(changed: await effects.causeChanged(record)))
    }

    private func saveQuietly() async {
        switch machine.state {
        case .absent, .deleting: return
        case .creating, .stopped, .starting, .recovering, .running, .stopping, .broken: break
        }
        do { try await effects.save(record) } catch { log.error("registry", ["instance": record.name, "error": error]) }
    }
}
