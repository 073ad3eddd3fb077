internal import Basics
internal import Files
internal import Loop
internal import Registry

/// What owners do to the world, done with real processes, files, sessions and the registry. One for all instances.
actor PostgresEffects: InstanceEffects {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    let layout: HomeLayout
    let user: ServersUser?
    let line: RegistryLine
    let finder: ToolchainFinder
    let binder: any PortBinder
    let library: HandoffSupport
    let log: Log
    let wall: @Sendable () -> Double
    let random: @Sendable () -> UInt64
    let stirred: @Sendable () -> Void

    var living: [Int: LivingServer] = [:]
    var serial = 0
    /// What could have kept each instance's server from starting, as it was just before its last launch; by id.
    var causes: [String: String] = [:]

    init(
        loop: Loop, layout: HomeLayout, user: ServersUser?, line: RegistryLine, finder: ToolchainFinder, binder: any PortBinder,
        library: HandoffSupport, log: Log, wall: @escaping @Sendable () -> Double, random: @escaping @Sendable () -> UInt64,
        stirred: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.layout = layout
        self.user = user
        self.line = line
        self.finder = finder
        self.binder = binder
        self.library = library
        self.log = log
        self.wall = wall
        self.random = random
        self.stirred = stirred
    }

    func folder(_ record: InstanceRecord) -> ServerFolder {
        ServerFolder(layout: layout, user: user, id: record.id, name: record.name)
    }

    func queries(_ server: LivingServer) -> ServerQueries {
        ServerQueries(loop: loop, socketDirectory: server.socketDirectory, login: server.login)
    }

    /// Keeps the log of a running server within its limit. Looked at when the server is looked at anyway.
    func shortenLog(_ id: String) async {
        let path = layout.serverLog(id)
        guard let stamp = Paths.stamp(path), stamp.size > ServerFolder.logLimit else { return }
        let (layout, user) = (layout, user)
        _ = try? await loop.blocking { () throws(DevError) in ServerFolder.shortenLog(layout.serverLog(id), user: user) }
    }

    func causeChanged(_ record: InstanceRecord) async -> Bool {
        guard let before = causes[record.id] else { return true }
        return folder(record).cause(record) != before
    }

    func save(_ record: InstanceRecord) async throws(DevError) {
        let (folder, log) = (layout.instanceDirectory(record.id), log)
        try await line.run { registry throws(DevError) in
            try registry.save(record)
            do throws(DevError) { try InstanceNote.update(record, in: folder) } catch {
                log.warning("no note of the instance", ["instance": record.name, "error": error])
            }
        }
    }

    func remove(_ record: InstanceRecord) async throws(DevError) {
        try await Removal(layout: layout, line: line, loop: loop, wall: wall).remove(record, binder: binder)
    }

    /// Where the manager can put questions of its own; nil when the server has gone.
    func queries(of server: Server) -> ServerQueries? { living[server.number].map { queries($0) } }
}

extension DevError {
    /// In the words of the server.
    init(_ error: SessionError, object: String) {
        let code = error.sqlState.map { " (\($0))" } ?? ""
        let owner = "The owner, as whom this is done, may not log in; as another superuser: ALTER ROLE postgres LOGIN CONNECTION LIMIT -1"
        let help = error.hint ?? (["28000", "53300"].contains(error.sqlState) ? owner : nil)
        self.init(.postgres, "PostgreSQL refused\(code)", object: object, cause: error.message, help: help)
    }
}
