public import Basics

/// What the manager is told at its making. Time and chance are passed in.
public struct ManagerConfiguration: Sendable {
    public var layout: HomeLayout
    /// The daemon's: PATH, DEVDB_PG_BIN.
    public var environment: [String: String]
    /// Whom servers run as; nil = ourselves. From `ServersUser.resolve`.
    public var user: ServersUser?
    public var library: HandoffSupport
    /// Ports that are the daemon's own.
    public var reservedPorts: Set<UInt16>
    public var log: Log
    /// Seconds since 1970.
    public var wall: @Sendable () -> Double
    public var random: @Sendable () -> UInt64
    /// Templates and spares are made ahead in the background.
    public var preparesAhead: Bool
    /// From an instance's creation to the work in the background.
    public var pauseBeforeWork: Duration
    /// Called on the loop when something was done that nobody asked for: a server fell asleep or woke, a template was made.
    public var stirred: @Sendable () -> Void
    /// Called on the loop when an instance has come, gone or changed: the copy of the registry is old.
    public var changed: @Sendable () -> Void

    public init(
        layout: HomeLayout, environment: [String: String], user: ServersUser?, library: HandoffSupport,
        reservedPorts: Set<UInt16> = [51_213], log: Log, wall: @escaping @Sendable () -> Double = WallClock.now,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }, preparesAhead: Bool = true,
        pauseBeforeWork: Duration = .milliseconds(500), stirred: @escaping @Sendable () -> Void = {},
        changed: @escaping @Sendable () -> Void = {}
    ) {
        self.layout = layout
        self.environment = environment
        self.user = user
        self.library = library
        self.reservedPorts = reservedPorts
        self.log = log
        self.wall = wall
        self.random = random
        self.preparesAhead = preparesAhead
        self.pauseBeforeWork = pauseBeforeWork
        self.stirred = stirred
        self.changed = changed
    }
}
