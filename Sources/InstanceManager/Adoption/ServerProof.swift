/// Whether a living process is the postmaster of a data directory: three proofs that must agree (design §4).
/// pid with kernel start time, executable, data directory by its lock file and the process's working directory.
enum ServerProof: Equatable, Sendable {
    /// No lock file, or its pid is nobody's or plainly somebody else's: the lock file, if any, is stale.
    case none
    case proved(ProcessFacts)
    /// A PostgreSQL works in this directory, but not all proofs agree: neither adopted nor touched, and no other is started.
    case doubtful(pid: Int32, String)

    /// - Parameter noted: what `StartNote` has of our own start, if anything.
    static func examine(dataDirectory: String, noted: StartNote?) -> ServerProof {
        guard let file = PostmasterFile.read(dataDirectory) else { return .none }
        guard let facts = ProcessFacts.of(file.pid) else { return .none }
        let directory = Paths.resolved(dataDirectory) ?? dataDirectory
        let worksHere = facts.workingDirectory == directory
        let isPostgres = facts.executable.hasSuffix("/postgres")
        // The pid was given to something else since: a shell, another instance's server.
        guard worksHere, isPostgres else { return .none }
        guard file.dataDirectory == dataDirectory || Paths.resolved(file.dataDirectory) == directory else {
            return .doubtful(pid: file.pid, "its lock file names \(file.dataDirectory)")
        }
        // A backend whose postmaster died: it works here too, but its parent does not matter to us; it is no postmaster
        // if the pid was reused by one, which the start time tells.
        if let noted, noted.pid == file.pid {
            guard noted.started == facts.started else {
                return .doubtful(pid: file.pid, "it began at another time than the server we started")
            }
        } else if let parent = ProcessFacts.of(facts.parent), parent.workingDirectory == directory {
            return .doubtful(pid: file.pid, "it is a child of another server")
        }
        return .proved(facts)
    }

    /// PostgreSQL processes that work in a data directory though no postmaster lives: backends of one that was killed.
    static func orphans(dataDirectory: String) -> [Int32] {
        guard let directory = Paths.resolved(dataDirectory) else { return [] }
        return ProcessFacts.pids().filter { pid in
            guard let facts = ProcessFacts.of(pid) else { return false }
            return facts.workingDirectory == directory && facts.executable.hasSuffix("/postgres")
        }
    }
}

/// What we know of a server that we started, beside its data directory. Written plainly: it matters only as long as
/// the machine runs.
struct StartNote: Equatable, Sendable {
    var pid: Int32
    /// As `ProcessFacts.started`.
    var started: String

    static func path(_ instanceDirectory: String) -> String { instanceDirectory + "/server.start" }

    static func read(_ instanceDirectory: String) -> StartNote? {
        guard let text = Paths.readText(path(instanceDirectory), limit: 512) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pid = Int32(words[0]) else { return nil }
        return StartNote(pid: pid, started: String(words[1]))
    }

    var text: String { "\(pid) \(started)\n" }
}
