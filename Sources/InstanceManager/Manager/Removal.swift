internal import Basics
internal import Files
internal import Loop
internal import Registry

/// Removing an instance and bringing it back: a rename between `instances` and `trash`, and a registry row that goes
/// with it.
struct Removal: Sendable {
    /// How long a removed instance can be brought back, in seconds: 7 days.
    static let keep = 7.0 * 86_400

    let layout: HomeLayout
    let line: RegistryLine
    let loop: Loop
    let wall: @Sendable () -> Double

    func trashPath(_ id: String) -> String { layout.trash + "/" + id }

    func remove(_ record: InstanceRecord, binder: any PortBinder) async throws(DevError) {
        let path = trashPath(record.id)
        let intent = try await line.run { registry throws(DevError) in
            try registry.begin(.remove, instance: record.id, detail: path)
        }
        Failpoint.pass("remove.begun")
        await binder.release(record.id)
        Failpoint.pass("remove.released")
        do {
            try await finish(intent, record)
        } catch {
            // Half removed is worse than not removed: what can be put back is, and the ports are taken again.
            let source = layout.instanceDirectory(record.id)
            let moved = Paths.exists(path) && !Paths.exists(source)
            if moved { try? await loop.blocking { () throws(DevError) in try DurableFile.rename(path, source) } }
            try? await line.run { registry throws(DevError) in try registry.finish(intent) }
            try? await binder.bind(record)
            throw error
        }
    }

    /// The steps after the intent; also for one that the last daemon began.
    func finish(_ intent: Int64, _ record: InstanceRecord) async throws(DevError) {
        let (source, target) = (layout.instanceDirectory(record.id), trashPath(record.id))
        let sockets = layout.socketDirectory(record.id)
        try await loop.blocking { () throws(DevError) in
            SharedMemory.free(dataDirectory: source + "/data")
            if Paths.exists(source) { try DurableFile.rename(source, target) }
            try? TreeClone.remove(sockets)
        }
        Failpoint.pass("remove.moved")
        let now = wall()
        let trash = TrashRecord(instance: record, removedAt: now, deadline: now + Removal.keep, path: target)
        try await line.run { registry throws(DevError) in try registry.finishRemoval(intent, trash) }
        Failpoint.pass("remove.finished")
    }

    /// - Parameter record: the instance as it will be; its ports may be others than before.
    func restore(_ trash: TrashRecord, as record: InstanceRecord) async throws(DevError) {
        let version = trash.path + "/data/PG_VERSION"
        guard Paths.exists(version) else {
            throw DevError(
                .failed, "The data of \(record.name) are no longer in the trash", object: trash.path, cause: "there is no \(version)",
                help: "Put that folder back from a copy and try again, or make a new instance: dev up \(record.name)")
        }
        let intent = try await line.run { registry throws(DevError) in
            try registry.begin(.restore, instance: record.id, detail: trash.path)
        }
        Failpoint.pass("undo.begun")
        let (source, target) = (trash.path, layout.instanceDirectory(record.id))
        do {
            try await loop.blocking { () throws(DevError) in try DurableFile.rename(source, target) }
            Failpoint.pass("undo.moved")
            try await line.run { registry throws(DevError) in try registry.finishRestore(intent, record) }
            Failpoint.pass("undo.finished")
        } catch {
            try? await undoRestore(intent, id: record.id, path: trash.path)
            throw error
        }
    }

    /// Puts back a restore that did not come to its end.
    func undoRestore(_ intent: Int64, id: String, path: String) async throws(DevError) {
        let source = layout.instanceDirectory(id)
        try await loop.blocking { () throws(DevError) in
            if Paths.exists(source), !Paths.exists(path) { try DurableFile.rename(source, path) }
        }
        try await line.run { registry throws(DevError) in try registry.finish(intent) }
    }

    /// Deletes what has been in the trash long enough.
    /// - Returns: the next deadline in seconds since 1970, nil when the trash is empty.
    func sweep() async throws(DevError) -> Double? {
        let now = wall()
        var next: Double?
        for item in try await line.run({ registry throws(DevError) in try registry.trash() }) {
            // A clock that was set back must not keep things for ever: nothing is kept longer than 7 days from now on.
            guard item.deadline <= now else {
                next = min(next ?? .infinity, min(item.deadline, now + Removal.keep))
                continue
            }
            let path = item.path
            try await loop.blocking { () throws(DevError) in if Paths.exists(path) { try TreeClone.remove(path) } }
            try await line.run { registry throws(DevError) in try registry.forgetTrash(instance: item.instance.id) }
        }
        return next
    }
}
