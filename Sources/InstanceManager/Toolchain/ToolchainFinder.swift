internal import Basics
internal import Loop

/// Finds installations and asks them for their version; an answer is kept while path, time and size of the
/// program are the same.
actor ToolchainFinder {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let environment: [String: String]
    private var versions: [String: (stamp: Paths.Stamp, version: String)] = [:]
    private var configBin: (program: String, stamp: Paths.Stamp, bin: String)?

    init(loop: Loop, environment: [String: String]) {
        self.loop = loop
        self.environment = environment
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
        throw ToolchainError.missing(major: major, found: all)
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
        guard let stamp = Paths.stamp(result.postgres), Paths.isExecutable(result.postgres) else {
            result.problem = "there is no postgres in it"
            return result
        }
        if let known = versions[result.postgres], known.stamp == stamp {
            result.version = known.version
        } else {
            let answer = try? await Command.run(loop: loop, result.postgres, ["--version"], environment: ["PATH": "/usr/bin:/bin"])
            guard let answer, answer.succeeded, let version = Toolchain.version(in: answer.output) else {
                result.problem = "postgres --version gives no version"
                return result
            }
            versions[result.postgres] = (stamp, version)
            result.version = version
        }
        if !Paths.isExecutable(result.initdb) {
            result.problem = "it is incomplete: initdb is missing"
        } else if result.major < Toolchain.floor {
            result.problem = "it is older than \(Toolchain.floor)"
        }
        return result
    }

    private func askConfig() async -> String? {
        guard let program = ToolchainPlaces.configProgram(environment: environment), let stamp = Paths.stamp(program) else { return nil }
        if let configBin, configBin.program == program, configBin.stamp == stamp { return configBin.bin }
        let path = environment["PATH"] ?? "/usr/bin:/bin"
        guard let answer = try? await Command.run(loop: loop, program, ["--bindir"], environment: ["PATH": path]), answer.succeeded
        else { return nil }
        let bin = String(answer.output.prefix { $0 != "\n" })
        guard bin.hasPrefix("/") else { return nil }
        configBin = (program, stamp, bin)
        return bin
    }
}
