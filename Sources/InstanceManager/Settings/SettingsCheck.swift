public import Basics
internal import Loop
internal import Registry

/// Asks PostgreSQL whether it would start with settings, before they are kept: what it does not know, or does not take, would be found
/// at the next start, when nobody thinks of it any more. A setting with a dot is an extension's, whose library alone could judge it.
/// What settings mean together (`max_wal_senders` and `wal_level`) and what they want of the machine shows at the start only.
struct SettingsCheck: Sendable {
    let loop: Loop
    let user: ServersUser?

    /// Some 20 ms. - Throws: `bad-configuration`, whose object is the setting, with PostgreSQL's words as cause.
    func run(_ settings: [String: String], _ toolchain: Toolchain) async throws(DevError) {
        let settings = settings.sorted { $0.key < $1.key }
        guard !settings.isEmpty else { return }
        // It prints a setting and ends: it looks at no data directory, takes no lock, and reads an empty configuration file.
        let asked = ["-C", "work_mem", "-D", "/", "-c", "config_file=/dev/null"]
        let result = try await Command.run(
            loop: loop, toolchain.postgres, asked + settings.flatMap { ["-c", "\($0.key)=\($0.value)"] },
            environment: ServerEnvironment.values(home: "/"), user: user?.ids)
        let lines = result.output.split(separator: "\n").map(String.init)
        guard !result.succeeded, let place = lines.firstIndex(where: { $0.contains("FATAL:  ") }) else { return }
        let more = lines[(place + 1)...].prefix { $0.contains("DETAIL:  ") || $0.contains("HINT:  ") }
        let said = ([lines[place]] + more).map(ServerLogReading.message)
        let source = SettingSource(of: said[0], Dictionary(settings.map { ($0.key, nil) }, uniquingKeysWith: { first, _ in first }))
        throw DevError(
            .badConfiguration, "PostgreSQL \(toolchain.version) does not take the setting \(source?.setting ?? settings[0].key)",
            object: source?.setting ?? settings[0].key, cause: said.joined(separator: "; "), help: "Correct it; nothing has been changed")
    }
}

extension InstanceManager {
    /// Whether the server of an instance would take settings that it is to get.
    /// - Throws: `bad-configuration` that names the setting.
    public func check(_ settings: [String: String], for id: String) async throws(DevError) {
        let record = try await owner(id).record
        let new = settings.filter { record.settings[$0.key] != $0.value }
        try ServerSettings.check(new)
        // Without its PostgreSQL nothing can be asked; the start says what is missing.
        guard !new.isEmpty, let toolchain = try? await finder.toolchain(bin: record.pgBin, version: record.pgVersion) else { return }
        try await SettingsCheck(loop: loop, user: configuration.user).run(new, toolchain)
    }
}
