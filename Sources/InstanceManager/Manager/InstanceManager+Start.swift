public import Basics
internal import Files
internal import Loop
internal import Profiles
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension InstanceManager {
    /// Makes the home's folders, finishes or undoes what the last daemon began, adopts the servers that live and opens
    /// the ports of all instances. Call it once, before anything is served.
    /// - Parameter binder: the front.
    /// - Throws: when the registry can't be read or the home can't be written; then nothing may be served.
    public func start(binder: any PortBinder) async throws(DevError) {
        self.binder = binder
        let effects = PostgresEffects(
            loop: loop, layout: layout, user: configuration.user, line: line, finder: finder, binder: binder,
            library: configuration.library, log: log, wall: configuration.wall, random: configuration.random,
            stirred: configuration.stirred)
        self.effects = effects
        try await makeFolders()
        await templates.sweep()
        let (records, intents) = try await line.run { registry throws(DevError) in
            (try registry.instances(), try registry.intents())
        }
        let left = try await bringBack(try await reconcile(records, intents))
        for record in left { await adopt(record, effects, intents.filter { $0.instance == record.id }) }
        for record in left where record.hasItsPorts { await bindOrRetry(record.id) }
        for record in left where !record.hasItsPorts { await givePorts(record) }
        for record in left { if let record = await owners[record.id]?.record { await note(record) } }
        loop.task { await self.retireTemplates() }
    }

    /// Not waited for: nobody needs it done.
    func retireTemplates() async {
        let finder = finder
        await templates.retire(now: configuration.wall()) {
            let keys = await finder.all().flatMap { toolchain in
                Profiles.names.compactMap { TemplateKey(toolchain, profile: $0)?.text }
            }
            return Set(keys)
        }
    }

    private func makeFolders() async throws(DevError) {
        let layout = layout
        let root = configuration.user != nil
        try await loop.blocking { () throws(DevError) in
            // Under root the servers' user must get through to its data; it can list nothing on the way.
            let through: UInt16 = root ? 0o711 : 0o700
            for folder in [layout.root, layout.instances, layout.templates, layout.spares, layout.sockets] {
                try DurableFile.makeFolder(folder, mode: through)
                if root, let owner = Paths.owner(folder), owner.uid == 0, owner.mode & 0o111 != 0o111 {
                    guard chmod(folder, 0o711) == 0 else { throw Paths.failure("Opening the way through", folder) }
                }
            }
            try DurableFile.makeFolder(layout.trash, mode: 0o700)
            TreeClone.spreadFolders(in: layout.instances)
            TreeClone.spreadFolders(in: layout.spares)
        }
    }

    /// Finishes or undoes creations, removals and restores.
    /// - Returns: the instances that there are then.
    private func reconcile(_ records: [InstanceRecord], _ intents: [IntentRecord]) async throws(DevError) -> [InstanceRecord] {
        var left = records
        for intent in intents {
            let record = left.first { $0.id == intent.instance }
            switch intent.kind {
            case .create where record != nil && InstanceNote.read(layout.instanceDirectory(intent.instance))?.isSettled == true:
                // The registry is an older copy that a person put back: the creation came to its end long ago.
                try await end(intent)
            case .create where record != nil && FillMark.holds(layout.instanceDirectory(intent.instance)):
                // The URL may have been printed, and rows committed.
                log.warning("finishing a creation", ["instance": record?.name.text ?? intent.instance])
                let data = layout.dataDirectory(intent.instance)
                try await loop.blocking { () throws(DevError) in try TreeClone.sync(data) }
                try await finishCreate(intent.id)
            case .create:
                log.warning("undoing a creation", ["instance": record?.name.text ?? intent.instance])
                // Nobody was told of it, or the machine crashed before it was on the disk.
                try await undoCreate(intent.id, id: intent.instance)
                left.removeAll { $0.id == intent.instance }
            case .remove:
                guard let record else {
                    try await end(intent)
                    continue
                }
                log.warning("finishing a removal", ["instance": record.name])
                try await removal.finish(intent.id, record)
                left.removeAll { $0.id == record.id }
            case .restore:
                log.warning("undoing a restore", ["instance": intent.instance])
                try await removal.undoRestore(intent.id, id: intent.instance, path: intent.detail)
            case .start, .stop:
                // The process table decides: see `adopt`.
                if record == nil { try await end(intent) }
            }
        }
        return left
    }

    private func end(_ intent: IntentRecord) async throws(DevError) {
        try await line.run { registry throws(DevError) in try registry.finish(intent.id) }
    }

    /// Makes the owner of an instance, with its server if one lives.
    private func adopt(_ record: InstanceRecord, _ effects: PostgresEffects, _ intents: [IntentRecord]) async {
        names[record.name] = record.id
        var record = record
        var server: Server?
        switch await effects.find(record) {
        case .proved(let facts):
            do {
                server = try await effects.adopt(record, pid: facts.pid)
                log.info("adopted", ["instance": record.name, "pid": facts.pid])
            } catch {
                log.error("adoption", ["instance": record.name, "error": error])
            }
        case .doubtful(let pid, let why):
            log.warning("not adopted", ["instance": record.name, "pid": pid, "why": why])
        case .none: break
        }
        let beginning = Beginning.of(record, lives: server != nil, intents: intents.map(\.kind))
        record.verifierFresh = beginning.verifierFresh
        let owner = makeOwner(record, beginning.state, effects)
        owners[record.id] = owner
        // The stop of a living server is the owner's to end.
        let stop = beginning.stopping ? intents.first { $0.kind == .stop }?.id : nil
        for intent in intents where (intent.kind == .start || intent.kind == .stop) && intent.id != stop {
            let saved = record
            do {
                try await line.run { registry throws(DevError) in try registry.finish(intent.id, saving: saved) }
            } catch {
                log.error("registry", ["intent": intent.id, "error": error])
            }
        }
        guard let server else { return }
        await owner.adopt(server, stopping: stop)
        let id = record.id
        loop.task { await self.countInherited(id, server) }
    }

    /// Nobody tells of the end of sessions that an earlier daemon let in: they are counted again when somebody looks,
    /// at most once a second. A server that does not answer soon is not waited for.
    public func recountInherited() async {
        let now = loop.clock.now
        var due: [(id: String, server: Server)] = []
        for (id, count) in inherited where count > 0 {
            if let last = inheritedLooks[id], now - last < .seconds(1) { continue }
            inheritedLooks[id] = now
            if let server = await owners[id]?.server { due.append((id, server)) }
        }
        guard !due.isEmpty else { return }
        await withTaskGroup(of: Bool.self) { group in
            for (id, server) in due {
                group.addTask {
                    await self.countInherited(id, server)
                    return true
                }
            }
            group.addTask { [loop] in
                try? await loop.clock.sleep(for: .milliseconds(300))
                return false
            }
            for _ in due where await group.next() == false { break }
            group.cancelAll()
        }
    }

    private func countInherited(_ id: String, _ server: Server) async {
        guard let effects, let queries = await effects.queries(of: server), let session = try? await queries.connect() else { return }
        defer { session.close() }
        guard let count = try? await ServerQueries.sessions(session), let known = await owners[id]?.sessions else {
            return
        }
        inherited[id] = max(0, count - known)
    }
}
