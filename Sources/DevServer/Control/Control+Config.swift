internal import Basics
internal import DevAPI
internal import InstanceManager
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
        var record = status.record
        if probe.password != record.password { record = try await manager.setPassword(record.id, probe.password) }
        if probe != record {
            record = try await manager.configure(record.id) { record in
                // It succeeded on the probe; values are checked one by one.
                try? Self.apply(request, to: &record)
            }
        }
        let pending = await manager.status(record.name)?.pendingRestart ?? []
        return ConfigFacts(name: record.name.text, entries: Self.entries(record, file: project.file), pendingRestart: pending)
    }

    private static func apply(_ request: ConfigRequest, to record: inout InstanceRecord) throws(DevError) {
        for (key, value) in request.set {
            switch key {
            case "idle": record.idle = try ConfigKey.idle(value)
            case "profile": record.profile = try ConfigKey.profile(value)
            case "front": record.front = try ConfigKey.front(value)
            case "password": record.password = try ConfigKey.password(value)
            default:
                let name = try settingName(key)
                try ConfigKey.checkSetting(name, value)
                record.settings[name] = value
            }
        }
        for key in request.unset {
            switch key {
            case "idle": record.idle = .standard
            case "profile": record.profile = "durable"
            case "front": record.front = "handoff"
            case "password":
                throw DevError(
                    .usage, "A password can be changed but not taken away", object: key, help: "Run dev config set password VALUE")
            default: record.settings[try settingName(key)] = nil
            }
        }
    }

    private static func settingName(_ key: String) throws(DevError) -> String {
        guard key.hasPrefix("settings.") else {
            throw DevError(
                .usage, "There is no key \"\(key.prefixed(80))\"", object: key.prefixed(80),
                help: "The keys are idle, password, profile, front, and settings.NAME for PostgreSQL's settings")
        }
        return String(key.dropFirst("settings.".utf8.count))
    }

    static func entries(_ record: InstanceRecord, file: ProjectFile?) -> [ConfigFacts.Entry] {
        func passwordSource(_ record: InstanceRecord, _ file: ProjectFile?) -> String {
            file?.password == record.password ? "dev.toml" : record.passwordIsGenerated ? "generated" : "config"
        }
        func source(_ value: String, file: String?, standard: String) -> String {
            value == file ? "dev.toml" : value == standard ? "default" : "config"
        }
        var entries = [
            ConfigFacts.Entry(key: "front", value: record.front, source: source(record.front, file: nil, standard: "handoff")),
            ConfigFacts.Entry(
                key: "idle", value: record.idle.text,
                source: source(record.idle.text, file: file?.idle?.text, standard: IdleLimit.standard.text)),
            // Shown as stars: `dev url` is the place where it is printed.
            ConfigFacts.Entry(key: "password", value: "***", source: passwordSource(record, file)),
            ConfigFacts.Entry(
                key: "profile", value: record.profile, source: source(record.profile, file: file?.profile, standard: "durable")),
        ]
        for (name, value) in record.settings.sorted(by: { $0.key < $1.key }) {
            entries.append(.init(key: "settings." + name, value: value, source: file?.settings[name] == value ? "dev.toml" : "config"))
        }
        return entries
    }
}
