public import Basics
internal import Files
internal import Loop
public import Registry

extension InstanceManager {
    /// Creates the instance (ports, registry, data directory); does not start it. When it returns, its ports are open
    /// and a client would wake it.
    /// - Throws: `exists`, `port-taken`, `no-postgres`, `bad-configuration`, `disk-full`; then nothing is left of it.
    public func create(_ request: NewInstance) async throws(DevError) -> InstanceRecord {
        guard let effects, binder != nil else { throw InstanceManager.notStarted }
        try checkUnused(request.name)
        try ServerSettings.checkProfile(request.profile)
        try ServerSettings.check(request.settings)
        if let password = request.password { try Passwords.check(password) }
        let random = configuration.random
        let password = request.password ?? Passwords.generate(random)
        // Thousands of rounds of SHA-256, some milliseconds: beside what else has to be done.
        let sealing = loop.task { await self.seal(password) }
        let toolchain = try await finder.choose(request.pg)
        try await SettingsCheck(loop: loop, user: configuration.user).run(request.settings, toolchain)
        // Somebody may have been quicker. From here to the owner nothing waits: a name in use has an owner.
        try checkUnused(request.name)
        let id = freshID()
        names[request.name] = id
        do throws(DevError) {
            var record = InstanceRecord(
                id: id, name: request.name, pgVersion: toolchain.version, pgBin: toolchain.bin, profile: request.profile,
                idle: request.idle, password: password, passwordIsGenerated: request.password == nil, roles: ["postgres"],
                settings: request.settings, http: request.http, sources: request.sources, extensions: request.extensions,
                front: request.front,
                project: request.project,
                createdAt: configuration.wall())
            let owner = makeOwner(record, .creating(clients: []), effects)
            owners[id] = owner
            do throws(DevError) {
                record = try await allocatePorts(record, request)
                // Fresh: nothing has run that could have changed it. The first start puts it into the cluster.
                record.verifier = try await sealing.value.get()
                record.verifierFresh = true
                try await make(record, toolchain)
            } catch {
                await owner.creationFailed(error)
                await binder?.release(id)
                throw error
            }
            await owner.created(record)
            return record
        } catch {
            forget(id)
            throw error
        }
    }

    private func seal(_ password: Secret) async -> Result<Secret, DevError> {
        let random = configuration.random
        do throws(DevError) {
            return .success(try await loop.blocking { () throws(DevError) in try Passwords.verifier(password, random) })
        } catch {
            return .failure(error)
        }
    }

    private func checkUnused(_ name: InstanceName) throws(DevError) {
        guard names[name] == nil else {
            throw DevError(.exists, "There is an instance \(name) already", object: name.text, help: "Run dev start \(name)")
        }
    }

    /// Registry and folders: begun by an intent, so that the next daemon undoes what this one does not finish.
    private func make(_ record: InstanceRecord, _ toolchain: Toolchain) async throws(DevError) {
        let id = record.id
        let (folder, data, user) = (layout.instanceDirectory(id), layout.dataDirectory(id), configuration.user)
        let intent = try await line.run { registry throws(DevError) in
            // Not worth an fsync: a crash of the machine takes the young folder too, and the end of the creation has its own.
            try registry.begin(.create, instance: id, detail: "", saving: record, durable: false)
        }
        Failpoint.pass("create.begun")
        do {
            try await loop.blocking { () throws(DevError) in
                try DurableFile.makeFolder(folder, mode: 0o700, owner: user?.ids)
            }
            Failpoint.pass("create.folder")
            let method = try await templates.provide(toolchain, profile: record.profile, at: data)
            Failpoint.pass("create.cloned")
            InstanceNote(record, isSettled: false).writePlainly(folder)
            Failpoint.pass("create.noted")
            FillMark.write(folder)
            Failpoint.pass("create.marked")
            settle(intent, id: id, method)
            log.info("created", ["instance": record.name, "id": id, "version": record.pgVersion, "from": method.rawValue])
        } catch {
            do { try await undoCreate(intent, id: id) } catch { log.error("undo of create", ["instance": record.name, "error": error]) }
            throw error
        }
    }

    /// A fresh data directory takes a while to the disk, and nobody need wait for it: only when it is there the intent
    /// ends. A crash of the daemon before that costs nothing (the mark says that the folder is whole), a crash of the
    /// machine undoes the creation. What was a spare is there already but for its new name: `start` waits for that.
    private func settle(_ intent: Int64, id: String, _ method: TemplateStore.Method) {
        settling[id] = Settling(isShort: method.isDurable, work: loop.task { await self.settleNow(intent, id: id, method) })
    }

    private func settleNow(_ intent: Int64, id: String, _ method: TemplateStore.Method) async {
        let layout = layout
        do throws(DevError) {
            try await loop.blocking { () throws(DevError) in
                guard method.isDurable else { return try TreeClone.sync(layout.dataDirectory(id)) }
                for folder in [layout.instanceDirectory(id), layout.instances, layout.spares] { try DurableFile.syncFolder(folder) }
            }
            try await finishCreate(intent)
            // Not waited for by whoever waits for the data.
            noting[id] = loop.task { await self.noteSettled(id) }
        } catch {
            log.error("new data not on the disk", ["instance": id, "error": error])
        }
        settling[id] = nil
    }

    func finishCreate(_ intent: Int64) async throws(DevError) {
        try await line.run { registry throws(DevError) in try registry.finish(intent) }
        Failpoint.pass("create.finished")
    }

    /// Until then the mark of the young directory vouches for it.
    private func noteSettled(_ id: String) async {
        guard let record = await owners[id]?.record else { return }
        await note(record)
        Failpoint.pass("create.settled")
        FillMark.remove(layout.instanceDirectory(id))
        noting[id] = nil
        configuration.changed()
    }

    /// Writes the note of an instance whose data are on the disk. In the line, so that it is not older than another one.
    func note(_ record: InstanceRecord) async {
        let folder = layout.instanceDirectory(record.id)
        do {
            try await line.run { _ throws(DevError) in
                let note = InstanceNote(record, isSettled: true)
                if InstanceNote.read(folder) != note { try note.write(folder) }
            }
        } catch {
            log.warning("no note of the instance", ["instance": record.name, "error": error])
        }
    }

    /// - Throws: what kept it from being undone; the intent stays then, for the next daemon.
    func undoCreate(_ intent: Int64, id: String) async throws(DevError) {
        let (folder, sockets) = (layout.instanceDirectory(id), layout.socketDirectory(id))
        try await loop.blocking { () throws(DevError) in
            if Paths.exists(folder) { try TreeClone.remove(folder) }
            if Paths.exists(sockets) { try TreeClone.remove(sockets) }
        }
        try await line.run { registry throws(DevError) in try registry.finish(intent, deleting: id) }
    }

    /// Brings back the newest removed instance of a name, with its ports if they are still free.
    public func undoRemove(_ name: InstanceName) async throws(DevError) -> InstanceRecord {
        guard let effects, binder != nil else { throw InstanceManager.notStarted }
        let candidates = try await trash().filter { $0.instance.name == name }
        guard let found = candidates.max(by: { $0.removedAt < $1.removedAt }) else {
            throw DevError(
                .notFound, "There is no \(name) in the trash", object: name.text,
                cause: names[name] == nil ? nil : "\(name) has not been removed",
                help: names[name] == nil
                    ? "What is removed can be brought back for 7 days" : "Run dev ls to see the instances that there are")
        }
        guard names[name] == nil else {
            throw DevError(
                .exists, "There is an instance \(name) again", object: name.text,
                help: "Run dev rm \(name) first: both are in the trash then, and the one that was removed last comes back first")
        }
        let id = found.instance.id
        names[name] = id
        do throws(DevError) {
            var record = found.instance
            let owner = makeOwner(record, .creating(clients: []), effects)
            owners[id] = owner
            do throws(DevError) {
                record = try await allocatePorts(record, nil)
                try await removal.restore(found, as: record)
            } catch {
                await owner.creationFailed(error)
                await binder?.release(id)
                throw error
            }
            await owner.created(record)
            await note(record)
            configuration.changed()
            return record
        } catch {
            forget(id)
            throw error
        }
    }

    private func freshID() -> String {
        while true {
            let digits = String(UInt32(truncatingIfNeeded: configuration.random()), radix: 16)
            let id = String(repeating: "0", count: 8 - digits.count) + digits
            if owners[id] == nil, !Paths.exists(layout.instanceDirectory(id)), !Paths.exists(layout.trash + "/" + id) { return id }
        }
    }

    static var notStarted: DevError { DevError(.internal, "The manager has not started", object: "devd", help: "Try again") }
}
