internal import Basics
internal import DevAPI
internal import HTTPShim
internal import InstanceManager
internal import Loop
internal import Registry

extension Control {
    /// Creates what is not there, applies what is asked, wakes. What counts: flags, dev.toml, stored, default.
    func up(_ request: UpRequest, _ progress: Progress) async throws(DevError) -> InstanceFacts {
        let (name, project) = try await one(request.selection, takes: true)
        let wanted = try Wanted(request, file: project.file)
        do throws(DevError) {
            return try await up(name, project, wanted, from: request.selection.directory, progress)
        } catch {
            // A setting of dev.toml, with its place there.
            guard error.code == .badConfiguration, let file = project.file, wanted.sources["settings." + error.object] == file.path else {
                throw error
            }
            throw file.error(error, setting: error.object)
        }
    }

    private func up(
        _ name: InstanceName, _ project: Project, _ wanted: Wanted, from directory: String, _ progress: Progress
    ) async throws(DevError) -> InstanceFacts {
        var created = false
        var wantsExtensions = false
        let record: InstanceRecord
        var present = await manager.status(name)
        var made: InstanceRecord?
        var holder = Holder.here
        if present == nil {
            await progress.say("Creating \(name)")
            do {
                made = try await create(name, wanted, project: project)
            } catch {
                // Somebody else's `dev up` of the same name was quicker.
                present = await manager.status(name)
                guard error.code == .exists, present != nil else { throw error }
            }
        }
        if let creating = present, creating.state == .creating {
            // Its ports may not be known yet. It is to be woken anyway.
            _ = try await manager.endpoint(creating.record.id)
            present = await manager.status(name)
        }
        if let made {
            record = made
            created = true
        } else if let present {
            holder = try await self.holder(of: present.record, for: project)
            var wanted = wanted
            wanted.silenced = try await silenced(present.record, project, holder, from: directory)
            record = try await adapt(present, to: wanted, project: project, holder: holder)
            wantsExtensions = record.extensions != present.record.extensions
        } else {
            throw DevError(.cancelled, "\(name) was removed meanwhile", object: name.text)
        }
        var notes = await Self.notes(on: wanted.ports, of: record, in: manager)
        if let present { notes += Self.notes(record, before: present.record.ports) }
        if let note = Self.note(holder, record, project) { notes.append(note) }
        if let note = Self.noteOnChaos(record) { notes.append(note) }
        let flags = wanted.sources.filter { $0.value == InstanceRecord.person }.map(\.key)
        notes += Self.notes(on: flags, of: record, project.file)
        if let status = await manager.status(name), !Self.isUp(status) || status.state != .running {
            await progress.say("Starting \(name)")
        }
        // A person asks: a broken server gets a new chance.
        _ = try await manager.start(record.id)
        if created || wantsExtensions { try await manager.createExtensions(record.id) }
        notes += await manager.missingLibraries(record.id)
        guard let status = await manager.status(name) else {
            throw DevError(.cancelled, "\(name) was removed meanwhile", object: name.text)
        }
        return facts(status, created: created, notes: notes)
    }

    /// What flags and dev.toml ask for; nil = they don't say.
    struct Wanted: Sendable {
        var pg: String?
        var idle: IdleLimit?
        var profile: String?
        var password: Secret?
        var front: String?
        var settings: [String: String]
        var http: [String: String]
        var extensions: [String]?
        var ports: [PortRecord.Kind: UInt16] = [:]
        /// Who says what, by the keys of `dev config`: see `InstanceRecord.sources`.
        var sources: [String: String] = [:]
        /// Keys that a dev.toml set, which no longer says so or is gone.
        var silenced: [String] = []

        init(_ request: UpRequest, file: ProjectFile?) throws(DevError) {
            pg = request.pg ?? file?.pg
            idle = try request.idle.map { text throws(DevError) in try ConfigKey.idle(text) } ?? file?.idle
            profile = try request.profile.map { text throws(DevError) in try ConfigKey.profile(text) } ?? file?.profile
            password = try request.password.map { text throws(DevError) in try ConfigKey.password(text) } ?? file?.password
            front = try request.front.map { text throws(DevError) in try ConfigKey.front(text) }
            for (key, value) in request.settings { try ConfigKey.checkSetting(key, value) }
            settings = (file?.settings ?? [:]).merging(request.settings) { _, flag in flag }
            http = file?.http ?? [:]
            extensions = file?.extensions
            for (kind, port) in [(PortRecord.Kind.http, request.port), (.main, request.dbPort), (.shadow, request.shadowDbPort)] {
                guard let port else { continue }
                guard let number = UInt16(exactly: port) else {
                    throw DevError(.usage, "\(port) is no port", object: String(port), help: "A port is a number from 0 to 65535")
                }
                ports[kind] = number
            }
            if let file { for key in file.configuration.keys { sources[key] = file.path } }
            let flags = [("idle", request.idle), ("profile", request.profile), ("password", request.password), ("front", request.front)]
            for (key, value) in flags where value != nil { sources[key] = InstanceRecord.person }
            for key in request.settings.keys { sources["settings." + key] = InstanceRecord.person }
        }
    }

    private func create(_ name: InstanceName, _ wanted: Wanted, project: Project) async throws(DevError) -> InstanceRecord {
        // The daemon's own port needs no second listener: it answers for every instance.
        let http = wanted.ports[.http].flatMap { $0 == httpPort ? nil : $0 }
        return try await manager.create(
            NewInstance(
                name: name, pg: wanted.pg, profile: wanted.profile ?? "durable", idle: wanted.idle ?? .standard, password: wanted.password,
                settings: wanted.settings, http: wanted.http, sources: wanted.sources, extensions: wanted.extensions ?? [],
                front: wanted.front ?? "handoff",
                project: project.folder,
                mainPort: wanted.ports[.main], shadowPort: wanted.ports[.shadow], httpPort: http))
    }

    private func adapt(_ status: InstanceStatus, to wanted: Wanted, project: Project, holder: Holder) async throws(DevError)
        -> InstanceRecord
    {
        let record = status.record
        if let pg = wanted.pg, pg != record.pgVersion, pg != String(record.pgVersion.prefix { $0.isNumber }) {
            throw DevError(
                .versionMismatch, "\(record.name) has PostgreSQL \(record.pgVersion), and \(pg) is asked for", object: record.name.text,
                help: "Make another with dev up NAME --pg \(pg), or copy the data with pg_dump")
        }
        try await manager.check(wanted.settings, for: record.id)
        // One without an HTTP port of its own has the daemon's.
        let shared = !record.ports.contains { $0.kind == .http }
        let ports = wanted.ports.filter { !($0.key == .http && shared && $0.value == httpPort) }
        let moved = try await manager.move(record.id, to: ports)
        let changed = Self.merged(record, wanted, project: project, holder: holder)
        if let password = wanted.password, password != record.password { _ = try await manager.setPassword(record.id, password) }
        guard changed != record else { return await current(moved) }
        return try await manager.configure(record.id) { record in
            record = Self.merged(record, wanted, project: project, holder: holder)
        }
    }

    private func current(_ record: InstanceRecord) async -> InstanceRecord {
        await manager.status(record.name)?.record ?? record
    }

    /// What a dev.toml said last time and no longer says. One that is gone counts when the caller is where it was: whoever asks by
    /// name from elsewhere knows nothing of it.
    private func silenced(
        _ record: InstanceRecord, _ project: Project, _ holder: Holder, from directory: String
    ) async throws(DevError) -> [String] {
        let set = record.sources.filter { $0.value.hasPrefix("/") }
        guard project.file == nil, !set.isEmpty else { return Array(set.keys) }
        var folders = Project.ancestors(of: directory)
        // It is the same project by another path, or has moved.
        if project.folder != nil, let former = record.project, holder == .here || holder.isLeft { folders.append(former) }
        let here = Set(folders.map { ($0 == "/" ? "" : $0) + "/dev.toml" })
        return try await loop.blocking { () throws(DevError) in
            set.filter { here.contains($0.value) && !Folder.hasEntry($0.value) }.map(\.key)
        }
    }

    /// What a dev.toml said last time and no longer says goes back to the default.
    static func merged(_ record: InstanceRecord, _ wanted: Wanted, project: Project, holder: Holder) -> InstanceRecord {
        var result = record
        for key in wanted.silenced where wanted.sources[key] == nil && record.sources[key] != InstanceRecord.person {
            result.sources[key] = nil
            switch key {
            case "idle": result.idle = .standard
            case "profile": result.profile = "durable"
            // There is no going back to what it was.
            case "password": result.sources[key] = InstanceRecord.kept
            case _ where ServingKey.names.contains(key): result.http[key] = nil
            default: result.settings[String(key.dropFirst("settings.".utf8.count))] = nil
            }
        }
        if let idle = wanted.idle { result.idle = idle }
        if let profile = wanted.profile { result.profile = profile }
        if let front = wanted.front { result.front = front }
        if let extensions = wanted.extensions { result.extensions = extensions }
        result.settings.merge(wanted.settings) { _, new in new }
        result.http.merge(wanted.http) { _, new in new }
        result.sources.merge(wanted.sources) { _, new in new }
        if let folder = project.folder {
            switch holder {
            case .nobody, .left: result.project = folder
            // Whoever shares it by its name does not take it away.
            case .here, .elsewhere: break
            }
        }
        return result
    }
}
