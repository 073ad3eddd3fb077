public import Basics

/// What must be known of an instance after a crash. One row; its ports are rows of their own.
public struct InstanceRecord: Sendable, Equatable {
    /// Eight hex digits, chosen by chance at creation; names the folders, never shown as the name.
    public var id: String
    public var name: InstanceName
    /// Version as the server's build prints it: "15.18".
    public var pgVersion: String
    /// The toolchain's bin folder last used.
    public var pgBin: String
    /// `durable` or `ephemeral` (templates/).
    public var profile: String
    public var idle: IdleLimit
    /// The owner's password as it is printed in URLs.
    public var password: Secret
    /// Chosen by chance at creation; false once a person has set it.
    public var passwordIsGenerated: Bool
    /// The owner's verifier as in pg_authid, when `verifierFresh`.
    public var verifier: Secret?
    /// Roles that may log in, as the cluster had them at its last sleep (names only).
    public var roles: [String]
    /// When the owner's password expires, in seconds since 1970; nil = never. Read with `verifier`.
    public var verifierExpires: Double?
    /// `verifier` and `roles` were read at the last clean stop and nothing ran since.
    public var verifierFresh: Bool
    /// The database that `template1` stands for on the main port.
    public var mainDatabase: String
    /// Server settings from dev.toml or `dev config`: name → value.
    public var settings: [String: String]
    /// What the HTTP side is set to by dev.toml or `dev config`: key (`limits.queryTimeout`) → value.
    public var http: [String: String]
    /// Who set the values of `dev config`'s keys: the path of a dev.toml, `InstanceRecord.person` for a flag or `dev config`, or
    /// `InstanceRecord.kept`.
    /// A key that nobody set is not in it.
    public var sources: [String: String]
    /// Extensions to create, from dev.toml.
    public var extensions: [String]
    /// `handoff` or `pump` (`--front`).
    public var front: String
    /// The folder of the project it belongs to, if any.
    public var project: String?
    /// Seconds since 1970, UTC.
    public var createdAt: Double
    public var ports: [PortRecord]
    /// Why it is `broken`, if it is: survives the daemon.
    public var brokenReason: String?

    public init(
        id: String, name: InstanceName, pgVersion: String, pgBin: String, profile: String = "durable",
        idle: IdleLimit = .standard, password: Secret, passwordIsGenerated: Bool = false, verifier: Secret? = nil,
        verifierExpires: Double? = nil, roles: [String] = [], verifierFresh: Bool = false, mainDatabase: String = "postgres",
        settings: [String: String] = [:], http: [String: String] = [:], sources: [String: String] = [:], extensions: [String] = [],
        front: String = "handoff",
        project: String? = nil, createdAt: Double,
        ports: [PortRecord] = [], brokenReason: String? = nil
    ) {
        self.id = id
        self.name = name
        self.pgVersion = pgVersion
        self.pgBin = pgBin
        self.profile = profile
        self.idle = idle
        self.password = password
        self.passwordIsGenerated = passwordIsGenerated
        self.verifier = verifier
        self.verifierExpires = verifierExpires
        self.roles = roles
        self.verifierFresh = verifierFresh
        self.mainDatabase = mainDatabase
        self.settings = settings
        self.http = http
        self.sources = sources
        self.extensions = extensions
        self.front = front
        self.project = project
        self.createdAt = createdAt
        self.ports = ports
        self.brokenReason = brokenReason
    }
}

extension InstanceRecord {
    /// Not the path of any file.
    public static let person = "config"
    /// What a dev.toml set that no longer says so, and that has no default to go back to: the password.
    public static let kept = "kept"
}

/// A port that is an instance's for life.
public struct PortRecord: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case main, shadow, http }
    public var kind: Kind
    public var port: UInt16
    public init(kind: Kind, port: UInt16) {
        self.kind = kind
        self.port = port
    }
}

/// A step that was begun and must be finished or undone after a crash.
public struct IntentRecord: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable { case create, start, stop, remove, restore }
    public var id: Int64
    public var kind: Kind
    public var instance: String
    /// What finishing or undoing needs to know, such as the trash folder's path.
    public var detail: String
    public init(id: Int64, kind: Kind, instance: String, detail: String) {
        self.id = id
        self.kind = kind
        self.instance = instance
        self.detail = detail
    }
}

/// Something that was removed and can be brought back until `deadline`.
public struct TrashRecord: Sendable, Equatable {
    /// The instance as it was, ports included.
    public var instance: InstanceRecord
    public var removedAt: Double
    /// Seconds since 1970; swept afterwards.
    public var deadline: Double
    public var path: String
    public init(instance: InstanceRecord, removedAt: Double, deadline: Double, path: String) {
        self.instance = instance
        self.removedAt = removedAt
        self.deadline = deadline
        self.path = path
    }
}
