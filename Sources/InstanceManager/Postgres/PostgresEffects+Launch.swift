internal import Basics
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A start, from its intent to the postmaster that runs.
extension PostgresEffects {
    /// The intent goes to the disk while the server is prepared and comes up: an fsync is a part of a start that people
    /// wait for. Until this returns nobody is let in, so that a server that a dead daemon left in between has done nothing
    /// that the registry would have to know; the next daemon finds it in the process table.
    func launch(_ record: InstanceRecord) async throws(ServerFailure) -> Launch {
        // Its place in the line is taken at once: this saves the record, and a later save must not be undone by it.
        let beginning = line.begin { registry throws(DevError) in
            let intent = try registry.begin(.start, instance: record.id, detail: "", saving: record)
            Failpoint.pass("start.begun")
            return intent
        }
        do throws(ServerFailure) {
            let (server, toolchain) = try await bringUp(record)
            switch await beginning.value {
            case .success(let intent):
                return Launch(server: server, intent: intent, pgBin: toolchain.bin, pgVersion: toolchain.version)
            case .failure(let error):
                await abandon(server)
                throw ServerFailure(error: error, permanent: false, isDaemons: true)
            }
        } catch {
            if case .success(let intent) = await beginning.value { await finishStart(intent) }
            throw error
        }
    }

    /// Of a start that can't be written down no process is left. One that was adopted goes on.
    func abandon(_ server: Server) async {
        guard let held = living[server.number] else { return }
        if let child = held.child {
            // It has served nobody: there is nothing to lose in not asking.
            child.signal(SIGQUIT)
            held.ended(await child.exit())
        } else {
            held.ended(nil)
        }
        living[server.number] = nil
    }

    func bringUp(_ record: InstanceRecord) async throws(ServerFailure) -> (Server, Toolchain) {
        let folder = folder(record)
        causes[record.id] = folder.cause(record)
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
                return (try folder.openLog(), folder.cause(record))
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

    func spawn(
        _ record: InstanceRecord, _ toolchain: Toolchain, _ folder: ServerFolder, log opened: (descriptor: Int32, offset: Int64)
    ) throws(DevError) -> Server {
        let child = try spawn(
            ChildSpecification(
                executable: toolchain.postgres,
                arguments: ServerSettings.arguments(dataDirectory: folder.data, socketDirectory: folder.sockets),
                environment: ServerEnvironment.values(home: folder.data), output: opened.descriptor, user: user?.ids))
        Failpoint.pass("start.spawned")
        if let facts = ProcessFacts.of(child.pid) {
            // Plainly, without fsync: it is of use only while the machine runs.
            note(StartNote(pid: child.pid, started: facts.started), record.id)
        }
        let server = nextServer(pid: child.pid, adopted: false)
        do {
            let held = try LivingServer(
                loop: loop, id: record.id, server: server, major: Toolchain.major(record.pgVersion), dataDirectory: folder.data,
                socketDirectory: folder.sockets, logPath: layout.serverLog(record.id), logOffset: opened.offset, child: child)
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

    /// With the library, if there is one and its folder can be entered; what then keeps it from being loaded shows in the proof.
    private func spawn(_ plain: ChildSpecification) throws(DevError) -> ChildProcess {
        if let path = library.path, let slash = path.lastIndex(of: "/") {
            // The loader splits its variable at blanks and colons, which a home may have in its path: hence a path without
            // the home's, from the folder that the server begins in (and leaves for its data directory).
            var specification = plain
            specification.environment[HandoffSupport.variable] = "." + path[slash...]
            specification.workingDirectory = String(path[..<slash])
            do throws(DevError) { return try ChildProcess.spawn(loop: loop, specification) } catch {
                log.warning("no library", ["error": error])
            }
        }
        return try ChildProcess.spawn(loop: loop, plain)
    }

    func awaitChild(_ server: Server) async {
        guard let held = living[server.number], let child = held.child else { return }
        let status = await child.exit()
        held.ended(status)
    }

    func note(_ note: StartNote, _ id: String) {
        let path = StartNote.path(layout.instanceDirectory(id))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        let bytes = Array(note.text.utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    func nextServer(pid: Int32, adopted: Bool) -> Server {
        serial += 1
        return Server(number: serial, pid: pid, adopted: adopted)
    }

    func finishStart(_ intent: Int64) async {
        await finish(intent)
        Failpoint.pass("start.finished")
        stirred()
    }

    func finish(_ intent: Int64) async {
        do {
            try await line.run { registry throws(DevError) in try registry.finish(intent) }
        } catch {
            log.error("registry", ["intent": intent, "error": error])
        }
    }
}
