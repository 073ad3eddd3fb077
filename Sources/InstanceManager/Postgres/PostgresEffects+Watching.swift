internal import Basics
internal import Loop
internal import Registry

/// Whether a server takes sessions, and how it ends.
extension PostgresEffects {
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
        let wasUp = held.passage != nil
        let said = wasUp ? Paths.tail(held.logPath, bytes: 8192) : Paths.text(held.logPath, from: held.logOffset, limit: 65_536)
        log.info("ended", ["instance": record.name, "pid": server.pid, "exit": exit, "clean": clean])
        return Ending(
            clean: clean,
            failure: ServerLogReading.failure(
                in: said, name: record.name.text, exit: exit, sources: wasUp ? [:] : sources(record),
                place: ServerLogReading.Place(
                    data: held.dataDirectory, user: user?.name ?? ServersUser.nameOfOurs,
                    closed: user?.closedFolder(on: folder(record).instance)
                ),
                wasUp: wasUp))
    }

    /// Where each setting of ours is from.
    private func sources(_ record: InstanceRecord) -> [String: String?] {
        var sources: [String: String?] = [:]
        for name in record.settings.keys {
            let source = record.sources["settings." + name]
            sources.updateValue(source == InstanceRecord.person ? nil : source, forKey: name)
        }
        return sources
    }

    func unknownEnding(_ record: InstanceRecord) -> Ending {
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
        // What was lost between two calls of this fires no more.
        if isUp, let status = await noticeLoss(held, record), status != previous { return status }
        while true {
            await held.changed.wait(after: seen)
            seen = held.changed.count
            guard !held.hasEnded else { return .ended }
            if let status = await noticeLoss(held, record) {
                guard status == previous else { return status }
                continue
            }
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
    func probe(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        if held.passage == nil, library.path != nil, let status = await prove(held, record) { return status }
        return await probePlainly(held, record)
    }

    /// Through the hand-off. nil when that does not work: a plain session must tell what the server is up to.
    func prove(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        do {
            switch try await HandoffProof.run(loop: loop, socketPath: held.socketPath, random: random, login: held.login) {
            case .proved(let session, let login):
                defer { session.close() }
                held.login = login
                try await ServerQueries.ensurePassword(session, verifier: record.verifier)
                proved(held, record)
                return .ready(held.endpoint)
            case .judged(let sqlState, let words):
                log.warning("the daemon's session was refused", ["instance": record.name, "sqlstate": sqlState, "reason": words])
                proved(held, record)
                return .ready(held.endpoint)
            case .unavailable: return .recovering
            case .refused(let why):
                held.handoffProblem = why
                return nil
            }
        } catch {
            log.debug("proof", ["instance": record.name, "error": "\(error)"])
            return nil
        }
    }

    private func proved(_ held: LivingServer, _ record: InstanceRecord) {
        held.passage = record.front == "pump" ? .pump(marked: true, reason: "asked for by --front pump") : .handoff
    }

    func probePlainly(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        do throws(SessionError) {
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
            // It takes sessions, though not ours: all connections are in use.
            default: return .ready(endpoint(held, record))
            }
        }
    }

    /// Of a server that plain sessions reach: from now on it is the pump's, unless the hand-off was proved before.
    func endpoint(_ held: LivingServer, _ record: InstanceRecord) -> Endpoint {
        if held.passage == nil {
            let reason = library.path == nil ? library.reason : held.handoffProblem ?? "the hand-off was not proved"
            held.passage = .pump(marked: false, reason: reason)
            log.warning("no hand-off", ["instance": record.name, "reason": reason])
        }
        return held.endpoint
    }
}
