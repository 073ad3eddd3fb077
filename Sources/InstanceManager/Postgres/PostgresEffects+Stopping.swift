internal import Basics
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Rest: whether a server is in use, and how it is stopped.
extension PostgresEffects {
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
            await session.end(loop: loop)
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
        // Empty after a shutdown in order; under /tmp it would outlive the home. The next start makes it anew.
        rmdir(layout.socketDirectory(record.id))
        defer { stirred() }
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
}
