/// Bounds of the front; every queue and wait has one.
public struct FrontLimits: Sendable {
    /// From the connect to the end of the login, what the server takes to start not counted (PostgreSQL's
    /// `authentication_timeout` is 60 s too).
    public var loginTime: Duration = .seconds(60)
    /// Clients that have not reached a server yet. Each costs a few kilobytes and one descriptor.
    public var waiting = 8_192
    /// Clients whose descriptor has this number or a higher one are refused: numbers are given lowest first, so this is
    /// how many are in use. 0: 64 below the process's limit, for files, children and servers.
    public var descriptors: Int32 = 0
    /// Bytes of a client that are kept before it has reached a server: a start-up packet and what came behind it.
    public var gathered = 16_384
    /// How often a client is taken to a server that goes away before it has answered.
    public var attempts = 100
    /// How long, from the first such attempt.
    public var retryTime: Duration = .seconds(60)

    public init() {}
}
