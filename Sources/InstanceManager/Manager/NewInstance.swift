public import Basics

/// What `dev up` asks for. Ports: nil = remembered, default, then the first free (prisma-dev-cli.md §7); 0 = any free.
public struct NewInstance: Sendable {
    public var name: InstanceName
    /// Major version ("15"), nil = newest.
    public var pg: String?
    public var profile: String
    public var idle: IdleLimit
    /// nil = 24 letters and digits by chance.
    public var password: Secret?
    public var settings: [String: String]
    public var http: [String: String]
    /// As in `InstanceRecord`.
    public var sources: [String: String]
    public var extensions: [String]
    /// `handoff` or `pump`.
    public var front: String
    public var project: String?
    public var mainPort: UInt16?
    public var shadowPort: UInt16?
    public var httpPort: UInt16?

    public init(
        name: InstanceName, pg: String? = nil, profile: String = "durable", idle: IdleLimit = .standard, password: Secret? = nil,
        settings: [String: String] = [:], http: [String: String] = [:], sources: [String: String] = [:], extensions: [String] = [],
        front: String = "handoff",
        project: String? = nil,
        mainPort: UInt16? = nil, shadowPort: UInt16? = nil, httpPort: UInt16? = nil
    ) {
        self.name = name
        self.pg = pg
        self.profile = profile
        self.idle = idle
        self.password = password
        self.settings = settings
        self.http = http
        self.sources = sources
        self.extensions = extensions
        self.front = front
        self.project = project
        self.mainPort = mainPort
        self.shadowPort = shadowPort
        self.httpPort = httpPort
    }
}
