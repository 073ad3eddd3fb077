internal import Basics
internal import DevAPI
internal import InstanceManager
internal import Loop
internal import Registry

/// What the control API does, without HTTP. One value, all of it immutable; the work is the instance manager's.
struct Control: Sendable {
    let loop: Loop
    let manager: InstanceManager
    let registry: Registry
    let layout: HomeLayout
    let serversUser: ServersUser?
    /// The daemon's own HTTP port.
    let httpPort: UInt16
    /// Why it is another than before, for a person.
    let httpPortReason: String?
    /// Seconds since 1970.
    let startedAt: Double
    /// Why sockets can't be handed off, if so.
    let handoffProblem: String?
    /// What the HTTP side keeps for an instance, by its id; on the loop.
    let cache: @Sendable (String) -> CacheFacts?
    /// Something has gone to the trash.
    let removed: @Sendable () async -> Void
    /// A request has been answered.
    let answered: @Sendable () -> Void
    /// Begins to end the daemon as a client asks.
    let leave: @Sendable (ShutdownRequest) async -> Void

    // MARK: Which instances

    /// The project at a directory.
    func project(at directory: String) async throws(DevError) -> Project {
        try await loop.blocking { () throws(DevError) in try Project.find(from: directory) }
    }

    /// Exactly one instance: the one named, or the project's.
    /// - Parameter takes: a server that another folder has left is this one's to take.
    /// - Throws: `usage` for a pattern, `exists` when the name is another project's by chance.
    func one(_ selection: Selection, takes: Bool = false) async throws(DevError) -> (name: InstanceName, project: Project) {
        let project = try await project(at: selection.directory)
        let patterns = Self.items(selection.patterns)
        guard let pattern = patterns.first else {
            try await check(project, takes: takes)
            return (project.name, project)
        }
        guard patterns.count == 1 else {
            throw DevError(.usage, "One name is wanted, not \(patterns.count)", object: patterns.joined(separator: ","))
        }
        if !Glob(pattern).isLiteral {
            let found = await matching([pattern])
            guard found.count == 1 else {
                throw DevError(
                    found.isEmpty ? .notFound : .usage, "\"\(pattern)\" matches \(found.count) instances; one is wanted", object: pattern,
                    help: "Run dev ls")
            }
            return (found[0].record.name, project)
        }
        let name = try InstanceName(pattern)
        // A dev.toml speaks for its own server only.
        return (name, name == project.name ? project : Project(folder: nil, name: name, nameIsFolders: false, file: nil))
    }

    /// The instance that must be there.
    func existing(_ selection: Selection) async throws(DevError) -> (status: InstanceStatus, project: Project) {
        let (name, project) = try await one(selection)
        guard let status = await manager.status(name) else {
            throw DevError(
                .notFound, "There is no instance \(name)", object: name.text,
                help: selection.patterns.isEmpty ? "Run dev up" : "Run dev ls, or dev up \(name)")
        }
        return (status, project)
    }

    /// All that fit the names and globs; without any, the project's.
    func several(_ selection: Selection) async throws(DevError) -> [InstanceStatus] {
        let patterns = Self.items(selection.patterns)
        guard patterns.isEmpty else { return await matching(patterns) }
        return await manager.status(try await one(selection).name).map { [$0] } ?? []
    }

    private func matching(_ patterns: [String]) async -> [InstanceStatus] {
        let globs = patterns.map { Glob($0) }
        return await manager.list().filter { status in globs.contains { $0.matches(status.record.name.text) } }
            .sorted { $0.record.name < $1.record.name }
    }

    /// Lists may be written with commas, as prisma dev's are.
    static func items(_ patterns: [String]) -> [String] {
        patterns.flatMap { $0.split(separator: ",").map(trimmed) }.filter { !$0.isEmpty }
    }

    /// A blank inside is a mistake to be told, not to be mended.
    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    func facts(_ status: InstanceStatus, created: Bool = false, notes: [String] = []) -> InstanceFacts {
        InstanceFacts(status, layout: layout, daemonPort: httpPort, created: created, notes: notes, cache: cache(status.record.id))
    }
}
