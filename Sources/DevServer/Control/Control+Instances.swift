internal import Basics
internal import DevAPI
internal import InstanceManager
internal import Registry

extension Control {
    func list(_ request: SelectRequest) async throws(DevError) -> [InstanceFacts] {
        await manager.recountInherited()
        let wanted: [InstanceStatus]
        if Self.items(request.selection.patterns).isEmpty {
            wanted = await manager.list().sorted { $0.record.name < $1.record.name }
        } else {
            wanted = try await several(request.selection)
        }
        return wanted.map { facts($0) }
    }

    func status(_ request: SelectRequest) async throws(DevError) -> InstanceFacts {
        // Who only wants an address does not wait for a count.
        if request.purpose == nil || request.purpose == .reading { await manager.recountInherited() }
        let status = try await existing(request.selection).status
        let id = status.record.id
        let usesDaemons = !status.record.ports.contains { $0.kind == .http }
        var notes = usesDaemons && request.purpose != .connecting && request.purpose != .url ? [httpPortReason].compactMap { $0 } : []
        if let purpose = request.purpose, await manager.passwordIsOld(id, quickly: purpose == .url) {
            notes.append(Self.oldPassword(status.record))
        }
        return facts(status, notes: notes)
    }

    /// Wakes what sleeps, and waits for what somebody else is waking. - Returns: those that were not running.
    func start(_ request: SelectRequest, _ progress: Progress) async throws(DevError) -> [InstanceFacts] {
        var started: [InstanceFacts] = []
        for status in try await several(request.selection) where status.state != .running {
            await progress.say("Starting \(status.record.name)")
            _ = try await manager.start(status.record.id)
            if let now = await manager.status(status.record.name) { started.append(facts(now)) }
        }
        return started
    }

    /// - Returns: those that were awake, as they are now.
    func stop(_ request: SelectRequest, _ progress: Progress) async throws(DevError) -> [InstanceFacts] {
        var stopped: [InstanceFacts] = []
        var failure: DevError?
        for status in try await several(request.selection) where Self.isUp(status) {
            await progress.say("Stopping \(status.record.name)")
            do {
                try await manager.stop(status.record.id)
                if let now = await manager.status(status.record.name) { stopped.append(facts(now)) }
            } catch {
                // One that won't stop does not keep the others up.
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return stopped
    }

    /// - Returns: those that went to the trash, as they were.
    func remove(_ request: SelectRequest, _ progress: Progress) async throws(DevError) -> [InstanceFacts] {
        let wanted = try await several(request.selection)
        let running = wanted.filter(Self.isUp)
        if !running.isEmpty, !request.force {
            let names = running.map(\.record.name.text).joined(separator: ", ")
            throw DevError(
                .running, "\(names) \(running.count == 1 ? "is" : "are") running", object: names,
                help: "Use the --force flag to stop and remove")
        }
        var removed: [InstanceFacts] = []
        for status in wanted {
            await progress.say("Removing \(status.record.name)")
            if Self.isUp(status) { try await manager.stop(status.record.id) }
            try await manager.remove(status.record.id)
            var gone = facts(status)
            gone.state = .absent
            gone.pid = nil
            removed.append(gone)
        }
        if !removed.isEmpty { await self.removed() }
        return removed
    }

    func repair(_ request: SelectRequest) async throws(DevError) -> InstanceFacts {
        let found = try await existing(request.selection).status
        try await manager.repair(found.record.id)
        return facts(await manager.status(found.record.name) ?? found)
    }

    func undo(_ request: UndoRequest) async throws(DevError) -> InstanceFacts {
        let name = try InstanceName(request.name)
        let removed = try await manager.trash().filter { $0.instance.name == name }.max { $0.removedAt < $1.removedAt }
        let record = try await manager.undoRemove(name)
        guard let status = await manager.status(record.name) else {
            throw DevError(.notFound, "There is no instance \(record.name)", object: record.name.text)
        }
        return facts(status, notes: Self.notes(record, before: removed?.instance.ports ?? []))
    }

    static func isUp(_ status: InstanceStatus) -> Bool {
        switch status.state {
        case .starting, .running, .frozen, .recovering, .stopping: true
        case .absent, .creating, .stopped, .deleting: false
        case .broken: status.pid != nil
        }
    }
}
