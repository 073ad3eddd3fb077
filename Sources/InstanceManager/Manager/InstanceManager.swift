public import Basics
public import Loop
public import Registry

/// All instances of a home. Make it, then `start` once before anything is served; until then it knows nobody.
/// Its actors run on the loop.
public actor InstanceManager {
    nonisolated let loop: Loop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let configuration: ManagerConfiguration
    let line: RegistryLine
    let finder: ToolchainFinder
    let templates: TemplateStore
    let removal: Removal
    /// Set by `start`.
    var effects: PostgresEffects?
    var binder: (any PortBinder)?

    /// By id.
    var owners: [String: InstanceOwner] = [:]
    /// Names in use, also by instances that are being made or brought back.
    var names: [InstanceName: String] = [:]
    /// Instances that don't have all their ports because somebody else does: id → what is wrong with each.
    var portProblems: [String: [DevError]] = [:]
    var portRetry: Task<Void, Never>?
    var shadowWork: [String: Task<Result<String, DevError>, Never>] = [:]
    /// Dumps that are being made; by id.
    var dumps: [String: Task<Result<String, DevError>, Never>] = [:]
    /// New data directories on their way to the disk; by id. Their create intents are open until then.
    var settling: [String: Settling] = [:]
    struct Settling {
        /// Some fsyncs; else all of a new data directory.
        var isShort: Bool
        var work: Task<Void, Never>
    }
    /// Notes of new instances that are being written; by id.
    var noting: [String: Task<Void, Never>] = [:]
    /// Instances that the registry did not know and that were registered again from their folders, as a person reads it.
    public internal(set) var broughtBack: [String] = []
    /// Sessions that an earlier daemon let in and whose end we don't see, as of the last look.
    var inherited: [String: Int] = [:]
    var inheritedLooks: [String: ContinuousClock.Instant] = [:]
    var passwordLooks: [String: PasswordLook] = [:]
    /// Instances whose server nobody has been in since its password was looked at.
    var passwordsUntouched: Set<String> = []
    private var logLooks: [String: ContinuousClock.Instant] = [:]

    public init(loop: Loop, registry: Registry, configuration: ManagerConfiguration) {
        self.loop = loop
        self.configuration = configuration
        line = RegistryLine(loop: loop, registry: registry)
        finder = ToolchainFinder(loop: loop, line: line, environment: configuration.environment)
        templates = TemplateStore(
            loop: loop, layout: configuration.layout, user: configuration.user, log: configuration.log,
            pause: configuration.pauseBeforeWork, background: configuration.preparesAhead, stirred: configuration.stirred)
        removal = Removal(layout: configuration.layout, line: line, loop: loop, wall: configuration.wall)
    }

    var layout: HomeLayout { configuration.layout }
    var log: Log { configuration.log }

    func owner(_ id: String) throws(DevError) -> InstanceOwner {
        guard let owner = owners[id] else { throw InstanceManager.gone(id) }
        return owner
    }

    static func gone(_ what: String) -> DevError {
        DevError(.notFound, "There is no instance \(what)", object: what, help: "Run dev ls to see those that there are")
    }

    func makeOwner(_ record: InstanceRecord, _ state: InstanceMachine.State, _ effects: PostgresEffects) -> InstanceOwner {
        let clock = loop.clock
        let start = clock.now
        let time = TimeSource(
            monotonic: { (clock.now - start).seconds }, wall: configuration.wall,
            sleep: { seconds throws in try await clock.sleep(for: .seconds(seconds)) })
        return InstanceOwner(record: record, state: state, effects: effects, executor: loop, time: time, log: log)
    }

    // MARK: The front's side

    /// Facts for a login, at once; nil when the instance is gone.
    public func loginFacts(_ id: String) -> LoginFacts? {
        owners[id]?.assumeIsolated { owner in
            LoginFacts(record: owner.record, state: owner.machine.publicState, endpoint: owner.endpoint)
        }
    }

    /// Wakes the server if it sleeps and waits until it takes sessions; however many wait, one start. Clients are
    /// held through starting, recovering and stopping.
    /// - Throws: `broken`, `start-failed`, `disk-full`, `version-mismatch`, `no-postgres`, `cancelled`, `not-found`.
    public func endpoint(_ id: String) async throws(DevError) -> Endpoint {
        passwordsUntouched.remove(id)
        return try await owner(id).awake()
    }

    /// What `endpoint` would answer at once, and the main database; nil when that would wait or throw. On the loop only.
    public nonisolated func awake(_ id: String) -> (endpoint: Endpoint, mainDatabase: String)? {
        loop.isolated(self) { manager in
            guard let owner = manager.owners[id] else { return nil }
            manager.passwordsUntouched.remove(id)
            return manager.loop.isolated(owner) { owner in owner.running().map { ($0, owner.record.mainDatabase) } }
        }
    }

    /// At once, and no use of it. On the loop only.
    public nonisolated func isRunning(_ id: String) -> Bool {
        loop.isolated(self) { manager in
            guard let owner = manager.owners[id] else { return false }
            return manager.loop.isolated(owner) { $0.isRunning }
        }
    }

    /// A client session began (true) or ended (false): counts for status and idleness. On the loop only.
    public nonisolated func sessionChanged(_ id: String, began: Bool) {
        loop.isolated(self) { manager in
            if let owner = manager.owners[id] { manager.loop.isolated(owner) { $0.sessionChanged(began: began) } }
            manager.passwordsUntouched.remove(id)
            if !began { manager.lookAtLog(id) }
        }
    }

    /// A server that is never idle is looked at when a session ends, at most once a minute.
    private func lookAtLog(_ id: String) {
        let now = loop.clock.now
        if let last = logLooks[id], now - last < .seconds(60) { return }
        logLooks[id] = now
        guard let effects else { return }
        loop.task { await effects.shortenLog(id) }
    }

    // MARK: The control API's side

    public func list() -> [InstanceStatus] {
        owners.keys.compactMap { status(id: $0) }.sorted { $0.record.name < $1.record.name }
    }

    /// An instance's record, without what costs to find out. On the loop only.
    public nonisolated func known(_ name: InstanceName) -> InstanceRecord? {
        loop.isolated(self) { manager in
            manager.names[name].flatMap { manager.owners[$0] }.map { owner in manager.loop.isolated(owner) { $0.record } }
        }
    }

    public func status(_ name: InstanceName) -> InstanceStatus? { names[name].flatMap { status(id: $0) } }

    public func status(id: String) -> InstanceStatus? {
        let (problem, earlier) = (portReason(id), inherited[id] ?? 0)
        return owners[id]?.assumeIsolated { owner in
            InstanceStatus(
                record: owner.record, state: owner.machine.publicState, pid: owner.server?.pid,
                reason: owner.brokenReason ?? problem, passage: owner.endpoint?.passage,
                sessions: owner.sessions + (owner.server == nil ? 0 : earlier), adopted: owner.server?.adopted ?? false,
                pendingRestart: owner.server == nil ? [] : pendingRestart(owner.record, owner.endpoint?.passage))
        }
    }

    /// From what the last start wrote, so that it holds for a server that an earlier daemon started too.
    private nonisolated func pendingRestart(_ record: InstanceRecord, _ passage: Passage?) -> [String] {
        var keys: [String] = []
        switch passage {
        case .handoff where record.front == "pump", .pump(marked: true, _) where record.front != "pump": keys.append("front")
        case .handoff, .pump, nil: break
        }
        if let file = Paths.readText(configuration.layout.dataDirectory(record.id) + "/devdb.conf") {
            keys += ServerSettings.changed(since: file, profile: record.profile, settings: record.settings)
        }
        return keys
    }

    /// Wakes it by a person's wish: `broken` is cleared and the restart budget is new.
    /// - Throws: as `endpoint`; `port-taken` when somebody else has its main port. Without another one it works: see the status.
    public func start(_ id: String) async throws(DevError) -> Endpoint {
        if portProblems[id] != nil { await bindOrRetry(id) }
        let main = try await owner(id).record.ports.first { $0.kind == .main }.map { String($0.port) }
        if let problem = portProblems[id]?.first(where: { main == nil || $0.object == main }) { throw problem }
        try await repair(id)
        let endpoint = try await endpoint(id)
        if let settling = settling[id], settling.isShort { await settling.work.value }
        return endpoint
    }

    /// Fast stop; immediate after a minute. Already stopped is done.
    public func stop(_ id: String) async throws(DevError) { try await owner(id).stop() }

    /// Clears `broken` so that the next start is tried.
    public func repair(_ id: String) async throws(DevError) { try await owner(id).repair() }

    /// To the trash, for 7 days. - Throws: `running` unless it was stopped before.
    public func remove(_ id: String) async throws(DevError) {
        let owner = try owner(id)
        await settling[id]?.work.value
        await noting[id]?.value
        try await owner.remove()
        await owner.close()
        forget(id)
        configuration.changed()
    }

    /// Changes idle, settings, front, project … of an existing instance. For the password there is `setPassword`; id,
    /// name and ports stay what they are.
    public func configure(_ id: String, _ change: @Sendable (inout InstanceRecord) -> Void) async throws(DevError) -> InstanceRecord {
        let owner = try owner(id)
        var trial = await owner.record
        change(&trial)
        try ServerSettings.check(trial.settings)
        try ServerSettings.checkProfile(trial.profile)
        defer { configuration.changed() }
        return try await owner.configure { record in
            let before = record
            change(&record)
            record.id = before.id
            record.name = before.name
            record.ports = before.ports
            record.password = before.password
        }
    }

    func forget(_ id: String) {
        owners[id] = nil
        portProblems[id] = nil
        inherited[id] = nil
        inheritedLooks[id] = nil
        logLooks[id] = nil
        passwordLooks[id] = nil
        passwordsUntouched.remove(id)
        for name in names.keys where names[name] == id { names[name] = nil }
    }

    // MARK: Housekeeping

    /// All PostgreSQL installations that are found, for `dev doctor`.
    public func toolchains() async -> [Toolchain] { await finder.all() }

    /// Deletes what has been in the trash for 7 days.
    /// - Returns: when to call again, in seconds since 1970; nil when the trash is empty.
    public func sweepTrash() async throws(DevError) -> Double? { try await removal.sweep() }

    public func trash() async throws(DevError) -> [TrashRecord] {
        try await line.run { registry throws(DevError) in try registry.trash() }
    }

    /// Before the daemon leaves. Nothing may be asked of the manager afterwards.
    /// - Parameter stopServers: also stop every server; else they live on and the next daemon adopts them.
    public func shutdown(stopServers: Bool) async {
        await templates.close()
        portRetry?.cancel()
        let all = owners.values.sorted { $0.id < $1.id }
        if stopServers {
            let stops = all.map { owner in loop.task { await self.stopQuietly(owner) } }
            for stop in stops { await stop.value }
        }
        for settling in settling.values { await settling.work.value }
        for noting in noting.values { await noting.value }
        for owner in all { await owner.close() }
    }

    private func stopQuietly(_ owner: InstanceOwner) async {
        do throws(DevError) { try await owner.stop() } catch { log.warning("stop", ["instance": owner.id, "error": error]) }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
