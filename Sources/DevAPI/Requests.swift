// The control API: HTTP/1.1 with JSON over the control socket. Each request goes to `POST /v1/<path>` with a JSON
// body. The answer is a stream of JSON lines (application/x-ndjson, chunked): any number of
// `{"progress":"…"}`, then one `{"result":…}` or `{"error":{…}}`. `logs` streams `{"line":"…"}` instead of progress.

/// Which instance(s): names or globs; empty = the project's at `directory`, else `default`.
public struct Selection: Sendable, Codable, Equatable {
    public var patterns: [String]
    /// The caller's working directory, from which `dev.toml` or a git root is looked for by the daemon.
    public var directory: String
    public init(patterns: [String], directory: String) {
        self.patterns = patterns
        self.directory = directory
    }
}

/// `POST /v1/up`: create or wake. Result: `InstanceFacts`.
public struct UpRequest: Sendable, Codable, Equatable {
    public static let path = "up"
    public var selection: Selection
    public var pg: String?
    public var idle: String?
    public var profile: String?
    public var password: String?
    public var front: String?
    public var port: Int?
    public var dbPort: Int?
    public var shadowDbPort: Int?
    public var settings: [String: String]
    public init(
        selection: Selection, pg: String? = nil, idle: String? = nil, profile: String? = nil, password: String? = nil,
        front: String? = nil, port: Int? = nil, dbPort: Int? = nil, shadowDbPort: Int? = nil, settings: [String: String] = [:]
    ) {
        self.selection = selection
        self.pg = pg
        self.idle = idle
        self.profile = profile
        self.password = password
        self.front = front
        self.port = port
        self.dbPort = dbPort
        self.shadowDbPort = shadowDbPort
        self.settings = settings
    }
}

/// `POST /v1/list` (result `[InstanceFacts]`, empty patterns = all), `/v1/status` (exactly one, `InstanceFacts`),
/// `/v1/start`, `/v1/stop` (`[InstanceFacts]` of those affected), `/v1/rm` (`[InstanceFacts]`), `/v1/repair`.
public struct SelectRequest: Sendable, Codable, Equatable {
    public var selection: Selection
    /// `rm`: stop running ones first.
    public var force: Bool
    /// `status`: what the facts are for, which says how much is looked at for them.
    public var purpose: Purpose?
    public enum Purpose: String, Sendable, Codable {
        /// To be read: everything.
        case reading
        /// The URL alone, at once.
        case url
        /// A program connects next.
        case connecting
    }
    public init(selection: Selection, force: Bool = false, purpose: Purpose? = nil) {
        self.selection = selection
        self.force = force
        self.purpose = purpose
    }
}

/// `POST /v1/undo`: bring back the newest removed instance of that name. Result: `InstanceFacts`.
public struct UndoRequest: Sendable, Codable, Equatable {
    public static let path = "undo"
    public var name: String
    public init(name: String) { self.name = name }
}

/// How far a server's log has been told; the next daemon goes on from there.
public struct LogPosition: Sendable, Codable, Equatable {
    /// The file's inode: the log is rotated.
    public var file: UInt64
    public var offset: Int64
    public init(file: UInt64, offset: Int64) {
        self.file = file
        self.offset = offset
    }
}

/// `POST /v1/logs`. With `follow`, `{"at":…}` (a `LogPosition`) comes after the lines up to there.
public struct LogsRequest: Sendable, Codable, Equatable {
    public static let path = "logs"
    public var selection: Selection
    /// How many of the last lines first.
    public var tail: Int
    public var follow: Bool
    /// In place of the last lines: what came after this.
    public var after: LogPosition?
    public init(selection: Selection, tail: Int, follow: Bool, after: LogPosition? = nil) {
        self.selection = selection
        self.tail = tail
        self.follow = follow
        self.after = after
    }
}

/// `POST /v1/config`: read (`set` and `unset` empty) or change. Keys: `idle`, `password`, `profile`, `front`, and
/// `settings.<guc>`. Result: `ConfigFacts`.
public struct ConfigRequest: Sendable, Codable, Equatable {
    public static let path = "config"
    public var selection: Selection
    public var set: [String: String]
    public var unset: [String]
    public init(selection: Selection, set: [String: String] = [:], unset: [String] = []) {
        self.selection = selection
        self.set = set
        self.unset = unset
    }
}

public struct ConfigFacts: Sendable, Codable, Equatable {
    public struct Entry: Sendable, Codable, Equatable {
        public var key: String
        public var value: String
        /// `default`, `dev.toml`, `config`.
        public var source: String
        public init(key: String, value: String, source: String) {
            self.key = key
            self.value = value
            self.source = source
        }
    }
    public var name: String
    public var entries: [Entry]
    /// Keys whose new value takes effect at the next start of the server.
    public var pendingRestart: [String]
    /// What a person should be told of the change.
    public var notes: [String]
    public init(name: String, entries: [Entry], pendingRestart: [String], notes: [String] = []) {
        self.name = name
        self.entries = entries
        self.pendingRestart = pendingRestart
        self.notes = notes
    }
}
// `POST /v1/daemon` → `DaemonFacts`; `POST /v1/doctor` → `DoctorFacts`; `POST /v1/shutdown` {"stopServers": bool} →
// `{}` once the daemon is about to leave.
public struct ShutdownRequest: Sendable, Codable, Equatable {
    public static let path = "shutdown"
    /// Also stop every server; else they live on and the next daemon adopts them.
    public var stopServers: Bool
    /// A Unix socket to which all listening sockets are to be sent first, one with each byte (SCM_RIGHTS), for the next daemon.
    public var handover: String?
    public init(stopServers: Bool, handover: String? = nil) {
        self.stopServers = stopServers
        self.handover = handover
    }
}
