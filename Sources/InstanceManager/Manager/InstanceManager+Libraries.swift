internal import Basics
internal import Loop
internal import Registry

extension InstanceManager {
    public static let sessionLibraries = ["local_preload_libraries", "session_preload_libraries"]

    /// Libraries to be loaded that the running server does not find, with what says so and how to take it back. Those of sessions end each
    /// one with PostgreSQL's own words, which do not say what asked for the library.
    /// - Parameter settings: of `sessionLibraries`, or `shared_preload_libraries`. Wakes nothing; costs a session only if one is set.
    public func missingLibraries(_ id: String, _ settings: [String] = sessionLibraries) async -> [String] {
        guard let owner = owners[id], let server = await owner.server, let queries = await effects?.queries(of: server) else { return [] }
        let record = await owner.record
        let data = layout.dataDirectory(id)
        let lines = try? await loop.blocking { () throws(DevError) in
            settings.map { name in
                let own = record.settings.first { $0.key.lowercased() == name }
                return (name: name, own: own, line: PersonsSetting.find(name, data: data, isOurs: own != nil))
            }
        }
        let wanted = (lines ?? []).filter { !($0.line?.value ?? $0.own?.value ?? "").isEmpty }
        guard !wanted.isEmpty, let session = try? await queries.connect(timeout: .seconds(1)) else { return [] }
        defer { session.close() }
        var notes: [String] = []
        for (name, own, line) in wanted {
            for word in (line?.value ?? own?.value ?? "").split(separator: ",") {
                let library = word.filter { $0 != " " && $0 != "\"" }
                let path = name == "local_preload_libraries" ? "$libdir/plugins/" + library : library
                do throws(SessionError) {
                    try await session.query("LOAD " + ServerQueries.literal(path))
                } catch {
                    // Whatever else it says is of the library itself, which may want to be loaded another way.
                    guard error.sqlState == "58P01" else { continue }
                    let source = record.sources["settings." + (own?.key ?? name)]
                    let ours = own.flatMap { SettingSource(of: $0.key, [$0.key: source == InstanceRecord.person ? nil : source]) }
                    let said = "\(name): \(error.message)"
                    let isOfSessions = settings == InstanceManager.sessionLibraries
                    let effect = isOfSessions ? "no client gets in with it" : "the server will not start with it"
                    // A server that runs keeps what it was started with.
                    let after = isOfSessions ? ", then dev stop \(record.name) and dev up \(record.name)" : ""
                    if let line {
                        notes.append("\(said) (\(line.file):\(line.line)): \(effect). Correct or remove that line\(after)")
                    } else if let ours {
                        let way = ours.file.map { "Correct \($0)" } ?? "Run dev config unset settings.\(ours.setting) -n \(record.name)"
                        notes.append("\(ours.rewritten(said)): \(effect). \(way)\(after)")
                    }
                }
            }
        }
        return notes
    }
}
