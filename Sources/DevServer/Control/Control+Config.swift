internal import Basics
internal import DevAPI
internal import HTTPShim
internal import InstanceManager
internal import Loop
internal import Registry

/// The keys of `dev config`, and what their values may be.
enum ConfigKey {
    static func idle(_ text: String) throws(DevError) -> IdleLimit {
        guard let limit = IdleLimit(text) else { throw bad("idle", text, "never, or a time such as 30s, 10m, 2h") }
        return limit
    }
    static func profile(_ text: String) throws(DevError) -> String {
        guard ProjectFile.profiles.contains(text) else { throw bad("profile", text, "durable or ephemeral") }
        return text
    }
    static func front(_ text: String) throws(DevError) -> String {
        guard ["handoff", "pump"].contains(text) else { throw bad("front", text, "handoff or pump") }
        return text
    }
    static func password(_ text: String) throws(DevError) -> Secret {
        guard ProjectFile.isPassword(text) else { throw bad("password", "***", "1 to 1000 bytes without control characters") }
        return Secret(text)
    }
    static func checkSetting(_ name: String, _ value: String) throws(DevError) {
        guard ProjectFile.isSettingName(name) else { throw bad("settings." + name.prefixed(80), "", "a PostgreSQL setting's name") }
        guard ProjectFile.isSettingValue(value) else { throw bad("settings." + name, "", "text without control characters") }
    }

    static func serving(_ key: String, _ text: String) throws(DevError) -> String {
        if let complaint = ServingRules.complaint(key, text) { throw bad(key, text, complaint) }
        return text
    }

    private static func bad(_ key: String, _ value: String, _ wanted: String) -> DevError {
        DevError(.usage, "\(key) can't be \"\(value.prefix(80))\"", object: key, cause: "it is \(wanted)")
    }
}

extension Control {
    func config(_ request: ConfigRequest) async throws(DevError) -> ConfigFacts {
        let (status, project) = try await existing(request.selection)
        for key in request.set.keys where request.unset.contains(key) {
            throw DevError(.usage, "\(key) is set and unset at once", object: key)
        }
        // Checked before anything is changed.
        var probe = status.record
        try Self.apply(request, to: &probe)
        try await manager.check(probe.settings, for: probe.id)
        var record = status.record
        if probe.password != record.password { record = try await manager.setPassword(record.id, probe.password) }
        if probe != record {
            record = try await manager.configure(record.id) { record in
                // It succeeded on the probe; values are checked one by one.
                try? Self.apply(request, to: &record)
            }
        }
        let overridden = await manager.overridden(record)
        // To those a start makes no difference.
        let pending = (await manager.status(record.name)?.pendingRestart ?? []).filter { key in
            !overridden.keys.contains { "settings." + $0 == key }
        }
        let changed = Array(request.set.keys) + request.unset
        return ConfigFacts(
            name: record.name.text, entries: Self.entries(record), pendingRestart: pending,
            notes: Self.notes(on: overridden, changed) + (await notesOnLibraries(changed, record.id))
                + (changed.isEmpty ? [] : Self.notes(on: changed, of: record, try await file(of: record, project))))
    }

    private static func apply(_ request: ConfigRequest, to record: inout InstanceRecord) throws(DevError) {
        for (key, value) in request.set {
            switch key {
            case "idle": record.idle = try ConfigKey.idle(value)
            case "profile": record.profile = try ConfigKey.profile(value)
            case "front": record.front = try ConfigKey.front(value)
            case "password": record.password = try ConfigKey.password(value)
            case _ where ServingKey.names.contains(key): record.http[key] = try ConfigKey.serving(key, value)
            default:
                let name = try settingName(key)
                try ConfigKey.checkSetting(name, value)
                record.settings[name] = value
            }
            record.sources[key] = InstanceRecord.person
        }
        for key in request.unset {
            switch key {
            case "idle": record.idle = .standard
            case "profile": record.profile = "durable"
            case "front": record.front = "handoff"
            case "password":
                throw DevError(
                    .usage, "A password can be changed but not taken away", object: key, help: "Run dev config set password VALUE")
            case _ where ServingKey.names.contains(key): record.http[key] = nil
            default: record.settings[try settingName(key)] = nil
            }
            record.sources[key] = nil
        }
    }

    private static func settingName(_ key: String) throws(DevError) -> String {
        guard key.hasPrefix("settings.") else {
            throw DevError(
                .usage, "There is no key \"\(key.prefixed(80))\"", object: key.prefixed(80),
                help: "The keys are idle, password, profile, front, settings.NAME for PostgreSQL's settings, and "
                    + ServingKey.names.joined(separator: ", "))
        }
        return String(key.dropFirst("settings.".utf8.count))
    }

    /// The dev.toml that the next `dev up` of the instance reads: the caller's, or that of the folder it belongs to.
    private func file(of record: InstanceRecord, _ project: Project) async throws(DevError) -> ProjectFile? {
        if let file = project.file { return file }
        guard let folder = record.project else { return nil }
        return try await loop.blocking { () throws(DevError) in
            // One that can't be read says nothing, and the next `dev up` says so.
            guard let owner = try? Project.find(from: folder), owner.name == record.name else { return nil }
            return owner.file
        }
    }

    private func notesOnLibraries(_ changed: [String], _ id: String) async -> [String] {
        let shared = "shared_preload_libraries"
        var notes: [String] = []
        if changed.contains("settings." + shared) { notes += await manager.missingLibraries(id, [shared]) }
        guard changed.contains(where: { InstanceManager.sessionLibraries.map { "settings." + $0 }.contains($0) }) else { return notes }
        return notes + (await manager.missingLibraries(id))
    }

    /// Lines of a person's that win over what is stored here: all when nothing was changed, else those on what was.
    private static func notes(on overridden: [String: PersonsSetting], _ changed: [String]) -> [String] {
        overridden.sorted { $0.key < $1.key }.filter { changed.isEmpty || changed.contains("settings." + $0.key) }.map { name, line in
            let way = line.isAltered ? "run ALTER SYSTEM RESET \(name) in the server" : "change or remove that line"
            return "settings.\(name) has no effect: \(line.file):\(line.line) says \(name) = '\(line.value)', which wins. "
                + "To have it hold, \(way) and start the server again"
        }
    }

    /// What a change is worth: dev.toml wins at the next `dev up`.
    static func notes(on keys: [String], of record: InstanceRecord, _ file: ProjectFile?) -> [String] {
        guard let file else { return [] }
        let now = Dictionary(entries(record).map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return keys.sorted().compactMap { key in
            guard let value = file.configuration[key] else { return nil }
            let isSame = key == "password" ? file.password == record.password : value == now[key]
            guard !isSame else { return nil }
            let there = key == "password" ? "another password" : "\(key) = \"\(value)\""
            return "\(file.path) says \(there), which returns at the next dev up: change it there to keep this"
        }
    }

    static func entries(_ record: InstanceRecord) -> [ConfigFacts.Entry] {
        func entry(_ key: String, _ value: String, standard: String?) -> ConfigFacts.Entry {
            let source =
                switch record.sources[key] {
                case InstanceRecord.person?: "config"
                case InstanceRecord.kept?: InstanceRecord.kept
                case .some: "dev.toml"
                // Nobody set it; but for values from before this was noted.
                case nil: value == standard ? "default" : "config"
                }
            return .init(key: key, value: value, source: source)
        }
        // Shown as stars: `dev url` is the place where it is printed.
        var password = entry("password", "***", standard: nil)
        if record.passwordIsGenerated { password.source = "generated" }
        func entries(_ values: [String: String], prefix: String = "") -> [ConfigFacts.Entry] {
            values.sorted { $0.key < $1.key }.map { entry(prefix + $0.key, $0.value, standard: nil) }
        }
        let all = [
            entry("front", record.front, standard: "handoff"), entry("idle", record.idle.text, standard: IdleLimit.standard.text), password,
            entry("profile", record.profile, standard: "durable"),
        ]
        return (all + entries(record.http) + entries(record.settings, prefix: "settings.")).sorted { $0.key < $1.key }
    }
}
