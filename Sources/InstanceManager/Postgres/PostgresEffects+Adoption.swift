internal import Basics
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Servers that an earlier daemon left, and what a killed one leaves.
extension PostgresEffects {
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
            loop: loop, id: record.id, server: server, major: Toolchain.major(record.pgVersion), dataDirectory: folder.data,
            socketDirectory: folder.sockets, logPath: layout.serverLog(record.id), logOffset: size, child: nil)
        living[server.number] = held
        do { try held.watch(loop: loop) } catch {
            living[server.number] = nil
            throw error
        }
        if let facts = ProcessFacts.of(pid) { note(StartNote(pid: pid, started: facts.started), record.id) }
        return server
    }

    func foreign(_ record: InstanceRecord, pid: Int32, why: String) -> DevError {
        DevError(
            .broken, "Another PostgreSQL works in the data directory of \(record.name)", object: record.name.text,
            cause: "pid \(pid): \(why)", help: "Stop that process; the next connection tries again")
    }

    /// Backends that outlived their postmaster hold its shared memory, and PostgreSQL starts no other until they end.
    /// What they still do can't be committed in order; SIGQUIT is what their postmaster would have sent.
    func endOrphans(_ record: InstanceRecord, _ data: String) async {
        let orphans = ServerProof.orphans(dataDirectory: data)
        guard !orphans.isEmpty else { return }
        log.warning("orphaned backends", ["instance": record.name, "pids": orphans.map(String.init).joined(separator: " ")])
        for pid in orphans { kill(pid, SIGQUIT) }
        for pid in orphans { await ProcessEnd.wait(loop, pid, atMost: .seconds(5)) }
    }
}
