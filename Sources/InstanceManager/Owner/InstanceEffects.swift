internal import Basics
internal import Registry

/// A postmaster that lives or has lived. `number` is unique within a daemon's life; a pid is not.
struct Server: Equatable, Sendable {
    var number: Int
    var pid: Int32
    /// It was started by an earlier daemon.
    var adopted: Bool
}

/// What a launch leaves behind.
struct Launch: Sendable {
    var server: Server
    /// The open start intent; to be ended when the server is ready or has gone.
    var intent: Int64
    /// The toolchain that was used: another bin folder of the same major may have been needed.
    var pgBin: String
    var pgVersion: String
}

enum ServerStatus: Equatable, Sendable {
    case starting
    /// Alive and refusing sessions (57P03): crash recovery. Never killed for slowness.
    case recovering
    case ready(Endpoint)
    case ended
}

/// How a server's process ended.
struct Ending: Equatable, Sendable {
    /// It shut down in order: a shutdown checkpoint was written.
    var clean: Bool
    var failure: ServerFailure
}

/// What is kept of the roles while the server sleeps.
struct LoginSnapshot: Equatable, Sendable {
    var verifier: Secret?
    /// When the owner's password expires, in seconds since 1970.
    var expires: Double?
    var roles: [String]
}

enum ServerUse: Equatable, Sendable {
    /// A transaction or query is open, or somebody replicates.
    case inUse
    /// The last query of a client ended so many seconds ago; nil when there is no client.
    case idle(seconds: Double?)
    /// The server did not answer.
    case unknown
}

/// Everything an owner does to the world. `PostgresEffects` does it; the simulation pretends to.
protocol InstanceEffects: Sendable {
    /// Begins the start intent (saving the record in the same transaction), prepares the folders and spawns.
    /// On failure no process and no intent is left.
    func launch(_ record: InstanceRecord) async throws(ServerFailure) -> Launch
    func finishStart(_ intent: Int64) async
    /// Returns when the process has ended, at once if it has already.
    func ending(of server: Server, _ record: InstanceRecord) async -> Ending
    /// Returns when the status is another than `previous`. Before `ready` is reported for the first time the owner's
    /// password is in the cluster.
    func status(of server: Server, _ record: InstanceRecord, after previous: ServerStatus) async -> ServerStatus
    /// Begins the stop intent; nil when the registry could not (the stop goes on: the process table is the truth).
    func beginStop(_ record: InstanceRecord) async -> Int64?
    /// Asks the server for verifier and roles.
    func loginSnapshot(of server: Server, checkpoint: Bool) async -> LoginSnapshot?
    func signal(_ server: Server, _ signal: InstanceMachine.Signal) async
    /// Ends the stop intent, saving the record in the same transaction.
    func finishStop(_ intent: Int64?, _ record: InstanceRecord) async
    /// Ends the intent of a stop that was called off or overtaken. The record is not saved: by the time this is done
    /// the instance may be removed, and a save would bring its row back.
    func abandonStop(_ intent: Int64) async
    func use(of server: Server) async -> ServerUse
    /// Whether something that can keep a server from starting (settings files, toolchain, disk) is another than it was
    /// just before the last launch; true when this daemon has not launched it yet.
    func causeChanged(_ record: InstanceRecord) async -> Bool
    func save(_ record: InstanceRecord) async throws(DevError)
    /// To the trash.
    func remove(_ record: InstanceRecord) async throws(DevError)
}
