internal import Basics
internal import Loop
internal import Registry

/// Finds installations and asks them for their version. An answer is kept, also in the registry, while path, time and
/// size of the program are the same: a wake-up after a restart of the daemon starts no program but the server.
actor ToolchainFinder {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    /// A program on a disk that does not answer must not hold up who asks.
    private static let patience: Duration = .seconds(5)
    private let environment: [String: String]
    private let line: RegistryLine
    /// Program → its stamp and what it said.
    private var answers: [String: String] = [:]

    init(loop: Loop, line: RegistryLine, environment: [String: String]) {
        self.loop = loop
        self.line = line
        self.environment = environment
    }

    /// - Parameter read: takes what is wanted from the program's output; nil = it gave nothing of use.
    private func ask(_ program: String, _ argument: String, path: String, _ read: (String) -> String?) async -> String? {
        guard let stamp = Paths.stamp(program) else { return nil }
        let mark = stamp.text + " "
        let key = "answer." + program
        if answers[program] == nil {
            answers[program] = try? await line.run { registry throws(DevError) in try registry.setting(key) }
        }
        if let known = answers[program], known.hasPrefix(mark) { return String(known.dropFirst(mark.count)) }
        let result = try? await Command.run(loop: loop, program, [argument], environment: ["PATH": path], within: Self.patience)
        guard let result, result.succeeded, let answer = read(result.output) else { return nil }
        let kept = mark + answer
        answers[program] = kept
        // Nobody waits for it, and a registry that can't be written costs only the time.
        loop.task { [line] in
            _ = try? await line.run { registry throws(DevError) in try registry.set(key, kept) }
        }
        return answer
    }

    /// All that there are, in the order of the search, each once.
    func all() async -> [Toolchain] {
        var places = ToolchainPlaces.search(environment: environment)
        if let bin = await askConfig() { places.append(.init(bin: bin, source: "pg_config")) }
        var seen: Set<String> = []
        var found: [Toolchain] = []
        for place in places where seen.insert(Paths.resolved(place.bin) ?? place.bin).inserted {
            // pg_config also belongs to the client library alone: no server beside it is no finding.
            if place.source == "pg_config", !Paths.isExecutable(place.bin + "/postgres") { continue }
            found.append(await examine(place))
        }
        return found
    }

    /// What uses this bin folder, or else another of its major.
    /// - Throws: `no-postgres` that names the major.
    func toolchain(bin: String, version: String) async throws(DevError) -> Toolchain {
        let known = await examine(.init(bin: bin, source: "pg_config"))
        if known.usable, known.major == Toolchain.major(version) { return known }
        let all = await all()
        let major = String(Toolchain.major(version) ?? 0)
        if let other = all.matching(major) { return other }
        throw ToolchainError.missing(major: major, found: all, isOfData: true)
    }

    /// - Parameter wanted: a major or full version, nil = the standard one.
    /// - Throws: `no-postgres` with the command that installs it here.
    func choose(_ wanted: String?) async throws(DevError) -> Toolchain {
        let all = await all()
        if let wanted {
            guard let toolchain = all.matching(wanted) else { throw ToolchainError.missing(major: wanted, found: all) }
            return toolchain
        }
        guard let toolchain = all.standard else { throw ToolchainError.none(found: all) }
        return toolchain
    }

    private func examine(_ place: ToolchainPlaces.Place) async -> Toolchain {
        var result = Toolchain(bin: place.bin, version: "", source: place.source)
        guard Paths.isExecutable(result.postgres) else {
            result.problem = "there is no postgres in it"
            return result
        }
        guard let version = await ask(result.postgres, "--version", path: "/usr/bin:/bin", { Toolchain.version(in: $0) }) else {
            result.problem = "postgres --version gives no version, or not within five seconds"
            return result
        }
        result.version = version
        if !Paths.isExecutable(result.initdb) {
            result.problem = "it is incomplete: initdb is missing"
        } else if result.major < Toolchain.floor {
            result.problem = "it is older than \(Toolchain.floor)"
        }
        return result
    }

    private func askConfig() async -> String? {
        guard let program = ToolchainPlaces.configProgram(environment: environment) else { return nil }
        return await ask(program, "--bindir", path: environment["PATH"] ?? "/usr/bin:/bin") { output in
            let bin = String(output.prefix { $0 != "\n" })
            return bin.hasPrefix("/") ? bin : nil
        }
    }
}
