public import Basics
public import Registry

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
    public init(record: InstanceRecord, state: InstanceState, endpoint: Endpoint? = nil) {
        self.record = record
        self.state = state
        self.endpoint = endpoint
    }
}

/// A snapshot of an instance for status pages.
public struct InstanceStatus: Sendable {
    public var record: InstanceRecord
    public var state: InstanceState
    /// The postmaster's; nil when asleep.
    public var pid: Int32?
    /// Why it is broken or can't be reached (its port is taken).
    public var reason: String?
    public var passage: Passage?
    /// Client sessions the front knows of, and those that an earlier daemon let in.
    public var sessions: Int
    public var adopted: Bool
    /// Keys of `dev config` whose values the running server does not have yet.
    public var pendingRestart: [String]
}
