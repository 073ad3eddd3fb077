internal import Basics
internal import Files
internal import Loop
internal import PostgresSession
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

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

    private var living: [Int: LivingServer] = [:]
    private var serial = 0
    /// What could have kept each instance's server from starting, as it was just before its last launch; by id.
    private var causes: [String: String] = [:]

    init(
        loop: Loop, layout: HomeLayout, user: ServersUser?, line: RegistryLine, finder: ToolchainFinder, binder: any PortBinder,
        library: HandoffSupport, log: Log, wall: @escaping @Sendable () -> Double, random: @escaping @Sendable () -> UInt64
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
    }

    func folder(_ record: InstanceRecord) -> ServerFolder {
        ServerFolder(layout: layout, user: user, id: record.id, name: record.name)
    }

    func queries(_ server: LivingServer) -> ServerQueries { ServerQueries(loop: loop, socketDirectory: server.socketDirectory) }

    // MARK: Up

    func launch(_ record: InstanceRecord) async throws(ServerFailure) -> Launch {
        let intent: Int64
        do {
            // First of all, and in the order of calls: this saves the record, and a later save must not be undone by it.
            intent = try await line.run { registry throws(DevError) in
                try registry.begin(.start, instance: record.id, detail: "", saving: record)
            }
        } catch {
            throw ServerFailure(error: error, permanent: false, isDaemons: true)
        }
        Failpoint.pass("start.begun")
        do {
            let (server, toolchain) = try await bringUp(record)
            return Launch(server: server, intent: intent, pgBin: toolchain.bin, pgVersion: toolchain.version)
        } catch {
            await finishStart(intent)
            throw error
        }
    }

    private func bringUp(_ record: InstanceRecord) async throws(ServerFailure) -> (Server, Toolchain) {
        let folder = folder(record)
        causes[record.id] = folder.cause(bin: record.pgBin)
        let toolchain: Toolchain
        do {
            let data = try folder.dataVersion()
            toolchain = try await finder.toolchain(bin: record.pgBin, version: data)
        } catch {
            throw ServerFailure(error: error, permanent: true)
        }
        switch find(record) {
        case .proved(let facts):
            // Somebody started it by hand, or an earlier daemon did and we missed it: never a second one.
            log.warning("adopted at start", ["instance": record.name, "pid": facts.pid])
            do throws(DevError) { return (try adopt(record, pid: facts.pid), toolchain) } catch {
                throw ServerFailure(error: error, permanent: false, isDaemons: true)
            }
        case .doubtful(let pid, let why):
            throw ServerFailure(error: foreign(record, pid: pid, why: why), permanent: true)
        case .none: break
        }
        if PostmasterFile.read(folder.data) != nil { await endOrphans(record, folder.data) }
        Failpoint.pass("start.checked")
        do {
            let (opened, cause) = try await loop.blocking { () throws(DevError) in
                try folder.disarmStaleLock()
                try folder.prepare(profile: record.profile, major: toolchain.major, settings: record.settings)
                return (try folder.openLog(), folder.cause(bin: record.pgBin))
            }
            defer { close(opened.descriptor) }
            // Before the server reads its files: whatever is changed from now on is noticed.
            causes[record.id] = cause
            Failpoint.pass("start.prepared")
            return (try spawn(record, toolchain, folder, log: opened), toolchain)
        } catch {
            throw ServerFailure(error: error, permanent: false, isDaemons: true)
        }
    }

    private func spawn(
        _ record: InstanceRecord, _ toolchain: Toolchain, _ folder: ServerFolder, log opened: (descriptor: Int32, offset: Int64)
    ) throws(DevError) -> Server {
        var environment = ServerEnvironment.values(home: folder.data)
        if let path = library.path { environment[HandoffSupport.variable] = path }
        let child = try ChildProcess.spawn(
            loop: loop,
            ChildSpecification(
                executable: toolchain.postgres,
                arguments: ServerSettings.arguments(dataDirectory: folder.data, socketDirectory: folder.sockets),
                environment: environment, output: opened.descriptor, user: user?.ids))
        Failpoint.pass("start.spawned")
        if let facts = ProcessFacts.of(child.pid) {
            // Plainly, without fsync: it is of use only while the machine runs.
            note(StartNote(pid: child.pid, started: facts.started), record.id)
        }
        let server = nextServer(pid: child.pid, adopted: false)
        do {
            let held = try LivingServer(
                loop: loop, id: record.id, server: server, dataDirectory: folder.data, socketDirectory: folder.sockets,
                logPath: layout.serverLog(record.id), logOffset: opened.offset, child: child)
            living[server.number] = held
            try held.watch(loop: loop)
            loop.task { await self.awaitChild(server) }
        } catch {
            // No descriptor for the watch: a server that we can't watch must not run.
            living[server.number] = nil
            child.signal(SIGQUIT)
            throw error
        }
        log.info("spawned", ["instance": record.name, "pid": child.pid, "version": toolchain.version])
        return server
    }

    private func awaitChild(_ server: Server) async {
        guard let held = living[server.number], let child = held.child else { return }
        let status = await child.exit()
        held.ended(status)
    }

    private func note(_ note: StartNote, _ id: String) {
        let path = StartNote.path(layout.instanceDirectory(id))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        let bytes = Array(note.text.utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    private func nextServer(pid: Int32, adopted: Bool) -> Server {
        serial += 1
        return Server(number: serial, pid: pid, adopted: adopted)
    }

    // MARK: Adoption

    /// Whether a server lives on the instance's data directory.
    func find(_ record: InstanceRecord) -> ServerProof {
        ServerProof.examine(
            dataDirectory: layout.dataDirectory(record.id), noted: StartNote.read(layout.instanceDirectory(record.id)))
    }

    func adopt(_ record: InstanceRecord, pid: Int32) throws(DevError) -> Server {
        let folder = folder(record)
        let server = nextServer(pid: pid, adopted: true)
        let size = Paths.stamp(layout.serverLog(record.id))?.size ?? 0
        let held = try LivingServer(
            loop: loop, id: record.id, server: server, dataDirectory: folder.data, socketDirectory: folder.sockets,
            logPath: layout.serverLog(record.id), logOffset: size, child: nil)
        living[server.number] = held
        do { try held.watch(loop: loop) } catch {
            living[server.number] = nil
            throw error
        }
        if let facts = ProcessFacts.of(pid) { note(StartNote(pid: pid, started: facts.started), record.id) }
        return server
    }

    private func foreign(_ record: InstanceRecord, pid: Int32, why: String) -> DevError {
        DevError(
            .broken, "Another PostgreSQL works in the data directory of \(record.name)", object: record.name.text,
            cause: "pid \(pid): \(why)", help: "Stop that process; the next connection tries again")
    }

    /// Backends that outlived their postmaster hold its shared memory, and PostgreSQL starts no other until they end.
    /// What they still do can't be committed in order; SIGQUIT is what their postmaster would have sent.
    private func endOrphans(_ record: InstanceRecord, _ data: String) async {
        let orphans = ServerProof.orphans(dataDirectory: data)
        guard !orphans.isEmpty else { return }
        log.warning("orphaned backends", ["instance": record.name, "pids": orphans.map(String.init).joined(separator: " ")])
        for pid in orphans { kill(pid, SIGQUIT) }
        for pid in orphans {
            let ended = Trigger()
            guard let watch = try? ExitWatch(loop: loop, pid: pid, { ended.fire() }) else { continue }
            let timer = TimerHandle(loop: loop)
            timer.start(after: .seconds(5)) { ended.fire() }
            await ended.wait(after: 0)
            timer.close()
            watch.close()
        }
    }

    // MARK: Watching

    func ending(of server: Server, _ record: InstanceRecord) async -> Ending {
        guard let held = living[server.number] else { return unknownEnding(record) }
        while !held.hasEnded {
            let seen = held.changed.count
            guard !held.hasEnded else { break }
            await held.changed.wait(after: seen)
        }
        living[server.number] = nil
        let lockGone = !Paths.exists(held.dataDirectory + "/postmaster.pid")
        let clean = lockGone && ControlFile.wasShutDown(held.dataDirectory) && (held.exit == nil || held.exit == .code(0))
        let exit =
            switch held.exit {
            case .code(let code)?: "exit code \(code)"
            case .signal(let number)?: "killed by signal \(number)"
            case nil: "it ended"
            }
        let (path, offset) = (held.logPath, held.logOffset)
        let said = held.child == nil ? "" : Paths.text(path, from: offset, limit: 65_536)
        log.info("ended", ["instance": record.name, "pid": server.pid, "exit": exit, "clean": clean])
        return Ending(clean: clean, failure: ServerLogReading.failure(in: said, name: record.name.text, exit: exit))
    }

    private func unknownEnding(_ record: InstanceRecord) -> Ending {
        Ending(
            clean: false,
            failure: ServerFailure(
                error: DevError(.startFailed, "The server of \(record.name) ended", object: record.name.text), permanent: false))
    }

    func status(of server: Server, _ record: InstanceRecord, after previous: ServerStatus) async -> ServerStatus {
        guard let held = living[server.number] else { return .ended }
        // A server that is up is looked at only when its lock file changes; one on its way up at once, when the file says
        // "ready", and after a second, since crash recovery shows in no file.
        let isUp = if case .ready = previous { true } else { false }
        var seen = isUp ? held.changed.count : held.changed.count &- 1
        while true {
            await held.changed.wait(after: seen)
            seen = held.changed.count
            guard !held.hasEnded else { return .ended }
            let written = PostmasterFile.read(held.dataDirectory)?.status ?? ""
            let due = held.takeLook()
            if written != "stopping", isUp || due || written == "ready" || written == "standby" {
                let status = await probe(held, record)
                guard !held.hasEnded else { return .ended }
                if let status, status != previous {
                    held.stopLooking()
                    return status
                }
            }
            if !isUp { held.look(after: .seconds(1)) }
        }
    }

    /// A real session. nil when it said nothing that tells: the next change or look will.
    private func probe(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        if held.passage == nil, library.path != nil, let status = await prove(held, record) { return status }
        return await probePlainly(held, record)
    }

    /// Through the hand-off. nil when that does not work: a plain session must tell what the server is up to.
    private func prove(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        do throws(DevError) {
            switch try await HandoffProof.run(loop: loop, socketPath: held.socketPath, random: random()) {
            case .proved(let session):
                defer { session.close() }
                try await ensurePassword(session, record)
                held.passage = record.front == "pump" ? .pump(marked: true, reason: "asked for by --front pump") : .handoff
                return .ready(held.endpoint)
            case .unavailable: return .recovering
            case .refused(let why):
                held.handoffProblem = why
                return nil
            }
        } catch {
            log.debug("proof", ["instance": record.name, "error": error])
            return nil
        }
    }

    private func ensurePassword(_ session: RawSession, _ record: InstanceRecord) async throws(DevError) {
        guard let verifier = record.verifier else { return }
        let rows = try await session.query(ServerQueries.hasPassword)
        guard rows.first?.first == "f" else { return }
        _ = try await session.query(ServerQueries.passwordStatement(verifier))
    }

    private func probePlainly(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        do throws(PostgresError) {
            let session = try await queries(held).connect()
            defer { session.close() }
            try await ServerQueries.ensurePassword(session, verifier: record.verifier)
            return .ready(endpoint(held, record))
        } catch {
            switch error.sqlState {
            // The server is there and takes nobody yet.
            case "57P03"?: return .recovering
            // It is going, or the answer was not the server's.
            case "57P01"?, "57P02"?, nil:
                log.debug("probe", ["instance": record.name, "error": error.message])
                return nil
            // It takes sessions, though not ours: all connections are in use, the database `postgres` was dropped.
            default: return .ready(endpoint(held, record))
            }
        }
    }

    /// Of a server that plain sessions reach: from now on it is the pump's, unless the hand-off was proved before.
    private func endpoint(_ held: LivingServer, _ record: InstanceRecord) -> Endpoint {
        if held.passage == nil {
            let reason = library.path == nil ? library.reason : held.handoffProblem ?? "the hand-off was not proved"
            held.passage = .pump(marked: false, reason: reason)
            log.warning("no hand-off", ["instance": record.name, "reason": reason])
        }
        return held.endpoint
    }

    func finishStart(_ intent: Int64) async {
        await finish(intent)
        Failpoint.pass("start.finished")
    }

    private func finish(_ intent: Int64) async {
        do {
            try await line.run { registry throws(DevError) in try registry.finish(intent) }
        } catch {
            log.error("registry", ["intent": intent, "error": error])
        }
    }

    // MARK: Down

    func beginStop(_ record: InstanceRecord) async -> Int64? {
        do {
            let intent = try await line.run { registry throws(DevError) in
                try registry.begin(.stop, instance: record.id, detail: "", saving: record)
            }
            Failpoint.pass("stop.begun")
            return intent
        } catch {
            log.error("registry", ["instance": record.name, "error": error])
            return nil
        }
    }

    func loginSnapshot(of server: Server, checkpoint: Bool) async -> LoginSnapshot? {
        guard let held = living[server.number] else { return nil }
        do {
            let session = try await queries(held).connect(timeout: .seconds(5))
            defer { session.close() }
            // Before the roles are read: nobody is to change them between that and the signal.
            if checkpoint { _ = try await session.query("CHECKPOINT") }
            let snapshot = try await ServerQueries.snapshot(session)
            Failpoint.pass("stop.read")
            return snapshot
        } catch {
            log.warning("roles not read", ["pid": server.pid, "error": error.message])
            return nil
        }
    }

    func signal(_ server: Server, _ signal: InstanceMachine.Signal) async {
        guard let held = living[server.number], !held.hasEnded else { return }
        let number =
            switch signal {
            case .fast: SIGINT
            case .immediate: SIGQUIT
            }
        log.log(signal == .fast ? .info : .warning, "signal", ["pid": server.pid, "signal": number])
        if let child = held.child {
            child.signal(number)
        } else {
            // The watch holds on to the process, and it has not ended: the pid is still its own.
            kill(server.pid, number)
        }
        Failpoint.pass("stop.signalled")
    }

    func finishStop(_ intent: Int64?, _ record: InstanceRecord) async {
        do {
            try await line.run { registry throws(DevError) in
                if let intent { try registry.finish(intent, saving: record) } else { try registry.save(record) }
            }
            Failpoint.pass("stop.finished")
        } catch {
            log.error("registry", ["instance": record.name, "error": error])
        }
    }

    func abandonStop(_ intent: Int64) async { await finish(intent) }

    func use(of server: Server) async -> ServerUse {
        guard let held = living[server.number] else { return .unknown }
        do {
            let session = try await queries(held).connect(timeout: .seconds(5))
            defer { session.close() }
            let use = try await ServerQueries.use(session)
            await shortenLog(held.id)
            return use
        } catch {
            return .unknown
        }
    }

    // MARK: The rest

    /// Keeps the log of a running server within its limit. Looked at when the server is looked at anyway.
    func shortenLog(_ id: String) async {
        let path = layout.serverLog(id)
        guard let stamp = Paths.stamp(path), stamp.size > ServerFolder.logLimit else { return }
        let (layout, user) = (layout, user)
        _ = try? await loop.blocking { () throws(DevError) in ServerFolder.shortenLog(layout.serverLog(id), user: user) }
    }

    func causeChanged(_ record: InstanceRecord) async -> Bool {
        guard let before = causes[record.id] else { return true }
        return folder(record).cause(bin: record.pgBin) != before
    }

    func save(_ record: InstanceRecord) async throws(DevError) {
        try await line.run { registry throws(DevError) in try registry.save(record) }
    }

    func remove(_ record: InstanceRecord) async throws(DevError) {
        try await Removal(layout: layout, line: line, loop: loop, wall: wall).remove(record, binder: binder)
    }

    /// Where the manager can put questions of its own; nil when the server has gone.
    func queries(of server: Server) -> ServerQueries? { living[server.number].map { queries($0) } }
}

extension DevError {
    /// In the words of the server.
    init(_ error: PostgresError, object: String) {
        let code = error.sqlState.map { " (\($0))" } ?? ""
        self.init(.postgres, "PostgreSQL refused\(code)", object: object, cause: error.message, help: error.hint)
    }
}
