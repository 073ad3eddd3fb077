public import Basics
internal import Loop
public import Registry

// STUB: signatures to code against.

/// What `dev up` asks for. Ports: nil = remembered, default, then the first free (prisma-dev-cli.md §7); 0 = any free.
public struct NewInstance: Sendable {
    public var name: InstanceName
    /// Major version ("15"), nil = newest.
    public var pg: String?
    public var profile: String
    public var idle: IdleLimit
    public var password: Secret?
    public var settings: [String: String]
    public var extensions: [String]
    public var front: String
    public var project: String?
    public var mainPort: UInt16?
    public var shadowPort: UInt16?
    public var httpPort: UInt16?
    public init(
        name: InstanceName, pg: String? = nil, profile: String = "durable", idle: IdleLimit = .standard, password: Secret? = nil,
        settings: [String: String] = [:], extensions: [String] = [], front: String = "handoff", project: String? = nil,
        mainPort: UInt16? = nil, shadowPort: UInt16? = nil, httpPort: UInt16? = nil
    ) {
        self.name = name
        self.pg = pg
        self.profile = profile
        self.idle = idle
        self.password = password
        self.settings = settings
        self.extensions = extensions
        self.front = front
        self.project = project
        self.mainPort = mainPort
        self.shadowPort = shadowPort
        self.httpPort = httpPort
    }
}

/// A running server's address for those in this process.
public struct Endpoint: Sendable, Equatable {
    /// Folder of `.s.PGSQL.5432`.
    public var socketDirectory: String
    public var socketPath: String
    /// How clients get through.
    public var passage: Passage
    public init(socketDirectory: String, socketPath: String, passage: Passage) {
        self.socketDirectory = socketDirectory
        self.socketPath = socketPath
        self.passage = passage
    }
}

/// How a client's bytes reach the backend.
public enum Passage: Sendable, Equatable {
    /// The library is loaded and proved: sockets are given away.
    case handoff
    /// Bytes go through us. `marked`: the library is loaded (forced pump), so peers can be told apart; else not.
    case pump(marked: Bool, reason: String)
}

/// What the front must know to judge a login without waking the server.
public struct LoginFacts: Sendable {
    public var record: InstanceRecord
    public var state: InstanceState
    /// Set while the server accepts sessions.
    public var endpoint: Endpoint?
}

/// A snapshot of an instance for status pages.
public struct InstanceStatus: Sendable {
    public var record: InstanceRecord
    public var state: InstanceState
    public var pid: Int32?
    public var reason: String?
    public var passage: Passage?
    /// Client sessions the front knows of.
    public var sessions: Int
    public var adopted: Bool
}

/// All instances of a home. Its actors run on the loop.
public actor InstanceManager {
    public init() {}

    // The front's side.

    /// Facts for a login, at once; nil when the instance is gone.
    public func loginFacts(_ id: String) -> LoginFacts? { fatalError() }
    /// Wakes the server if it sleeps and waits until it takes sessions; however many wait, one start. Clients are
    /// held through starting, recovering and stopping.
    /// - Throws: `broken`, `start-failed`, `cancelled`.
    public func endpoint(_ id: String) async throws(DevError) -> Endpoint { fatalError() }
    /// The owner's verifier as the cluster has it now (the registry's when asleep and fresh, else asked of the server).
    public func ownerVerifier(_ id: String) async throws(DevError) -> Secret? { fatalError() }
    /// Makes the shadow database if it is not there; its name.
    public func shadowDatabase(_ id: String) async throws(DevError) -> String { fatalError() }
    /// A client session began (true) or ended (false): counts for status and idleness.
    public func sessionChanged(_ id: String, began: Bool) { fatalError() }

    // The control API's side.

    /// Creates the instance (template, clone, ports, registry); does not start it.
    public func create(_ request: NewInstance) async throws(DevError) -> InstanceRecord { fatalError() }
    public func list() -> [InstanceStatus] { fatalError() }
    public func status(_ name: InstanceName) -> InstanceStatus? { fatalError() }
    /// Fast stop; `immediate` after the deadline. Already stopped is done.
    public func stop(_ id: String) async throws(DevError) { fatalError() }
    /// To the trash, for 7 days. - Throws: `running` unless it was stopped before.
    public func remove(_ id: String) async throws(DevError) { fatalError() }
    public func undoRemove(_ name: InstanceName) async throws(DevError) -> InstanceRecord { fatalError() }
    /// Changes idle, password, settings, front … of an existing instance; says what needs a restart.
    public func configure(_ id: String, _ change: @Sendable (inout InstanceRecord) -> Void) async throws(DevError) -> InstanceRecord {
        fatalError()
    }
    /// Clears `broken` so that the next start is tried.
    public func repair(_ id: String) async throws(DevError) { fatalError() }
}
