internal import Basics
internal import Files
internal import Loop
internal import Registry

/// The registry may be an older copy that a person put back, or a new one after a loss. What the folders of instances say
/// of themselves is registered again, so that no data and no living server is without an owner.
extension InstanceManager {
    /// - Parameter known: the registry's, settled. - Returns: all that there are then.
    func bringBack(_ known: [InstanceRecord]) async throws(DevError) -> [InstanceRecord] {
        var left: [InstanceRecord] = []
        for record in known {
            guard !Paths.exists(layout.instanceDirectory(record.id)), Paths.exists(removal.trashPath(record.id)) else {
                left.append(record)
                continue
            }
            // It was removed after the copy was made.
            try await register(trashed: record)
        }
        let listed = Set(try await trash().map(\.instance.id))
        for id in Paths.list(layout.trash) where !listed.contains(id) && !left.contains(where: { $0.id == id }) {
            if let note = InstanceNote.read(removal.trashPath(id)) { try await register(trashed: note.record) }
        }
        for id in Paths.list(layout.instances) where Self.isID(id) && !left.contains(where: { $0.id == id }) {
            if let record = try await register(id, beside: left) { left.append(record) }
        }
        return left
    }

    private func register(trashed record: InstanceRecord) async throws(DevError) {
        log.warning("brought back into the trash", ["instance": record.name, "id": record.id])
        let (path, now) = (removal.trashPath(record.id), configuration.wall())
        try await line.run { registry throws(DevError) in
            let intent = try registry.begin(.remove, instance: record.id, detail: path)
            try registry.finishRemoval(
                intent, TrashRecord(instance: record, removedAt: now, deadline: now + Removal.keep, path: path))
        }
    }

    /// - Returns: nil when the folder does not say whose it is, or is no whole instance; `dev doctor` names it then.
    private func register(_ id: String, beside others: [InstanceRecord]) async throws(DevError) -> InstanceRecord? {
        let (folder, data) = (layout.instanceDirectory(id), layout.dataDirectory(id))
        guard Paths.exists(data + "/PG_VERSION"), let note = InstanceNote.read(folder), note.isSettled || FillMark.holds(folder) else {
            log.error("unknown folder", ["path": folder])
            return nil
        }
        var record = note.record
        record.name = Self.unused(record.name, beside: others)
        let taken = Set(others.flatMap(\.ports).filter { $0.kind != .http }.map(\.port))
        record.ports.removeAll { taken.contains($0.port) }
        // For a cluster that has never run. What the cluster has otherwise only its server can tell.
        let (password, random) = (record.password, configuration.random)
        record.verifier = try await loop.blocking { () throws(DevError) in try Passwords.verifier(password, random) }
        let saved = record
        Failpoint.pass("recover.read")
        try await line.run { registry throws(DevError) in
            if !note.isSettled { try TreeClone.sync(data) }
            try registry.forgetTrash(instance: id)
            try registry.save(saved)
        }
        Failpoint.pass("recover.registered")
        log.warning("brought back from its folder", ["instance": record.name, "was": note.record.name, "id": id])
        broughtBack.append(record.name == note.record.name ? record.name.text : "\(record.name) (it was \(note.record.name))")
        return record
    }

    /// The same name, or when there is another of it by now one with a number behind.
    private static func unused(_ name: InstanceName, beside others: [InstanceRecord]) -> InstanceName {
        let names = Set(others.map(\.name))
        guard names.contains(name) else { return name }
        for number in 2... {
            let end = "-\(number)"
            let candidate = String(name.text.prefix(63 - end.utf8.count)) + end
            if let found = try? InstanceName(candidate), !names.contains(found) { return found }
        }
        return name
    }

    /// Of an instance that came back and whose ports are another's now.
    func givePorts(_ record: InstanceRecord) async {
        do throws(DevError) {
            let complete = try await allocatePorts(record, nil)
            try await effects?.save(complete)
        } catch {
            portProblems[record.id] = [error]
            log.error("ports", ["instance": record.name, "error": error])
        }
    }

    /// Folders that hold data nobody knows, with the pid of a server that lives there.
    public func unknownFolders() -> [(path: String, pid: Int32?)] {
        Paths.list(layout.instances).filter { Self.isID($0) && owners[$0] == nil }.map { id in
            let path = layout.instanceDirectory(id)
            let proof = ServerProof.examine(dataDirectory: layout.dataDirectory(id), noted: nil)
            if case .proved(let facts) = proof { return (path, facts.pid) }
            return (path, nil)
        }
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 8 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

extension InstanceRecord {
    /// Database and shadow.
    var hasItsPorts: Bool { ports.contains { $0.kind == .main } && ports.contains { $0.kind == .shadow } }
}
