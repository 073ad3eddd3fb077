public import Basics

/// One instance as `dev up --json`, `dev status --json` and each element of `dev ls --json` print it
/// (docs/json.md). Keys are stable: they are added, never renamed.
public struct InstanceFacts: Sendable, Codable, Equatable {
    public var name: String
    public var state: InstanceState
    /// Server version, "15.18".
    public var pg: String
    /// Plain TCP URL; works with every client.
    public var url: String
    /// With Prisma's TCP parameters.
    public var prismaUrl: String
    public var shadowUrl: String
    /// `prisma+postgres://localhost:…/?api_key=…`.
    public var prismaPostgresUrl: String
    public var httpUrl: String
    public var port: Int
    public var shadowPort: Int
    public var httpPort: Int
    /// The postmaster's process id; null when asleep.
    @OrNull public var pid: Int?
    public var dataDirectory: String
    public var idle: String
    /// RFC 3339, UTC.
    public var createdAt: String

    public var profile: String
    /// `handoff` or `pump`; null when asleep.
    @OrNull public var front: String?
    /// Why the front is the pump, if hand-off was asked for.
    @OrNull public var frontReason: String?
    public var sessions: Int
    @OrNull public var project: String?
    /// Why it is broken, with the last log lines.
    @OrNull public var reason: String?
    public var user: String
    public var password: String
    public var database: String
    /// This command made the instance (`up`), else false.
    public var created: Bool
    /// Settings that differ from the running server's and need `dev stop && dev up`.
    public var pendingRestart: [String]
    /// Folder of the toolchain's programs, where `dev psql` finds `psql`.
    @OrNull public var bin: String?
    /// What a person should be told of what this command did, such as a URL that changed.
    public var notes: [String]
    /// What the HTTP side keeps of its answers; null when no client has asked it to keep any.
    @OrNull public var cache: CacheFacts?
    /// Limits of the HTTP side that are on, such as `queryTimeout`; null for none.
    @OrNull public var limits: [String: String]?
    /// Trouble that it makes on purpose: `latency`, `fail`; null for none.
    @OrNull public var chaos: [String: String]?

    public init(
        name: String, state: InstanceState, pg: String, url: String, prismaUrl: String, shadowUrl: String, prismaPostgresUrl: String,
        httpUrl: String, port: Int, shadowPort: Int, httpPort: Int, pid: Int?, dataDirectory: String, idle: String, createdAt: String,
        profile: String, front: String?, frontReason: String?, sessions: Int, project: String?, reason: String?, user: String,
        password: String, database: String, created: Bool = false, pendingRestart: [String] = [],
        bin: String? = nil, notes: [String] = [], cache: CacheFacts? = nil, limits: [String: String]? = nil,
        chaos: [String: String]? = nil
    ) {
        self.name = name
        self.state = state
        self.pg = pg
        self.url = url
        self.prismaUrl = prismaUrl
        self.shadowUrl = shadowUrl
        self.prismaPostgresUrl = prismaPostgresUrl
        self.httpUrl = httpUrl
        self.port = port
        self.shadowPort = shadowPort
        self.httpPort = httpPort
        self.pid = pid
        self.dataDirectory = dataDirectory
        self.idle = idle
        self.createdAt = createdAt
        self.profile = profile
        self.front = front
        self.frontReason = frontReason
        self.sessions = sessions
        self.project = project
        self.reason = reason
        self.user = user
        self.password = password
        self.database = database
        self.created = created
        self.pendingRestart = pendingRestart
        self.bin = bin
        self.notes = notes
        self.cache = cache
        self.limits = limits
        self.chaos = chaos
    }
}

/// The answers that are kept for Prisma's `cacheStrategy`.
public struct CacheFacts: Sendable, Codable, Equatable {
    public var entries: Int
    public var bytes: Int
    /// Bytes that all instances' answers may take together.
    public var capacity: Int
    /// Requests answered from it, in time; from it, but too old; by the server.
    public var hits: Int
    public var stale: Int
    public var misses: Int
    public init(entries: Int, bytes: Int, capacity: Int, hits: Int, stale: Int, misses: Int) {
        self.entries = entries
        self.bytes = bytes
        self.capacity = capacity
        self.hits = hits
        self.stale = stale
        self.misses = misses
    }
}

/// `dev daemon status --json`.
public struct DaemonFacts: Sendable, Codable, Equatable {
    public var version: String
    public var pid: Int
    public var home: String
    public var controlSocket: String
    public var httpUrl: String
    public var httpPort: Int
    /// RFC 3339.
    public var startedAt: String
    public var instances: Int
    /// The user whose processes the servers are, when the daemon is root.
    @OrNull public var runsServersAs: String?
    /// Why the HTTP port is another than at an earlier start.
    @OrNull public var httpPortReason: String?
    public init(
        version: String, pid: Int, home: String, controlSocket: String, httpUrl: String, httpPort: Int, startedAt: String, instances: Int,
        runsServersAs: String?, httpPortReason: String? = nil
    ) {
        self.version = version
        self.pid = pid
        self.home = home
        self.controlSocket = controlSocket
        self.httpUrl = httpUrl
        self.httpPort = httpPort
        self.startedAt = startedAt
        self.instances = instances
        self.runsServersAs = runsServersAs
        self.httpPortReason = httpPortReason
    }
}

/// `dev doctor --json`.
public struct DoctorFacts: Sendable, Codable, Equatable {
    public struct Toolchain: Sendable, Codable, Equatable {
        public var version: String
        public var bin: String
        /// Where it was looked for: `DEVDB_PG_BIN`, `debian`, `homebrew`, `postgres.app`, `pgdg-rpm`, `pg_config`.
        public var source: String
        /// The one a new instance gets without `--pg`.
        public var isDefault: Bool
        /// Why it can't be used (below 13, incomplete), if so.
        @OrNull public var problem: String?
        public init(version: String, bin: String, source: String, isDefault: Bool, problem: String?) {
            self.version = version
            self.bin = bin
            self.source = source
            self.isDefault = isDefault
            self.problem = problem
        }
    }
    public struct Check: Sendable, Codable, Equatable {
        public var name: String
        public var ok: Bool
        public var text: String
        @OrNull public var help: String?
        public init(name: String, ok: Bool, text: String, help: String?) {
            self.name = name
            self.ok = ok
            self.text = text
            self.help = help
        }
    }
    public var toolchains: [Toolchain]
    /// The exact command that installs PostgreSQL on this system.
    public var installCommand: String
    public var checks: [Check]
    public init(toolchains: [Toolchain], installCommand: String, checks: [Check]) {
        self.toolchains = toolchains
        self.installCommand = installCommand
        self.checks = checks
    }
}
