/// What every failure of devdb says: a code, the object it is about, the cause, and the command that helps
/// (design §9). The same value travels over the control socket and is what `--json` prints on stderr.
public struct DevError: Error, Sendable, Equatable, Codable {
    public var code: DevErrorCode
    /// One sentence without a final period, fit to stand alone: "51214 is used by pid 812 (postgres)".
    public var message: String
    /// What it is about: an instance's name, a path, a port.
    public var object: String
    /// The underlying reason in the words of who gave it (system call, PostgreSQL); never a secret.
    @OrNull public var cause: String?
    /// The command or step that helps.
    @OrNull public var help: String?

    public init(
        _ code: DevErrorCode, _ message: String, object: String, cause: String? = nil, help: String? = nil
    ) {
        self.code = code
        self.message = message
        self.object = object
        self.cause = cause
        self.help = help
    }
}

extension DevError: CustomStringConvertible {
    /// The form for terminals and logs: `error[port-taken]: 51214 is used by pid 812. Run dev up --db-port 0.`
    public var description: String {
        var text = "error[\(code.rawValue)]: \(message)"
        if let cause, !cause.isEmpty { text += ": \(cause)" }
        text += "."
        // "Run dev run [NAME] -- COMMAND..."
        if let help, !help.isEmpty { text += " \(help)" + (help.hasSuffix(".") ? "" : ".") }
        return text
    }
}

/// The codes of `DevError`, in one list; each knows its exit status. A code from a newer daemon is kept as it is.
public struct DevErrorCode: RawRepresentable, Sendable, Hashable, Codable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    // Usage (exit 2)
    public static let usage = DevErrorCode(rawValue: "usage")
    public static let badName = DevErrorCode(rawValue: "bad-name")
    public static let badConfiguration = DevErrorCode(rawValue: "bad-configuration")
    // Not found (exit 3)
    public static let notFound = DevErrorCode(rawValue: "not-found")
    public static let noPostgres = DevErrorCode(rawValue: "no-postgres")
    // Refused because of state (exit 4)
    public static let exists = DevErrorCode(rawValue: "exists")
    public static let running = DevErrorCode(rawValue: "running")
    public static let broken = DevErrorCode(rawValue: "broken")
    public static let portTaken = DevErrorCode(rawValue: "port-taken")
    public static let homeInUse = DevErrorCode(rawValue: "home-in-use")
    public static let newerState = DevErrorCode(rawValue: "newer-state")
    public static let corruptState = DevErrorCode(rawValue: "corrupt-state")
    public static let versionMismatch = DevErrorCode(rawValue: "version-mismatch")
    // Daemon unreachable (exit 5)
    public static let daemonUnreachable = DevErrorCode(rawValue: "daemon-unreachable")
    // Failed (exit 1)
    public static let failed = DevErrorCode(rawValue: "failed")
    public static let system = DevErrorCode(rawValue: "system")
    public static let diskFull = DevErrorCode(rawValue: "disk-full")
    public static let readOnly = DevErrorCode(rawValue: "read-only")
    public static let descriptors = DevErrorCode(rawValue: "descriptor-limit")
    public static let postgres = DevErrorCode(rawValue: "postgres")
    public static let startFailed = DevErrorCode(rawValue: "start-failed")
    public static let timedOut = DevErrorCode(rawValue: "timed-out")
    public static let cancelled = DevErrorCode(rawValue: "cancelled")
    public static let `internal` = DevErrorCode(rawValue: "internal")

    /// The process exit status that goes with the code (design §9).
    public var exitStatus: Int32 {
        switch self {
        case .usage, .badName, .badConfiguration: 2
        case .notFound, .noPostgres: 3
        case .exists, .running, .broken, .portTaken, .homeInUse, .newerState, .corruptState, .versionMismatch: 4
        case .daemonUnreachable: 5
        default: 1
        }
    }
}
