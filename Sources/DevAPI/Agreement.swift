public import Basics

/// What `dev` and `devd` agree on beside the requests themselves.
public enum ControlProtocol {
    /// Header of every request and every answer: the sender's `devdbVersion`. The daemon refuses a request of another
    /// version with `version-mismatch`, but never `daemon` and `shutdown`, by which an old daemon is replaced.
    public static let versionHeader = "devdb-version"

    /// Requests whose second time does no more than the first: a daemon that died before it answered may have done them or
    /// not, and the next one can be asked again. Not those that remove, bring back, end the daemon, or tell a log's lines.
    public static let repeatable: Set<String> = ["up", "list", "status", "start", "stop", "config", "doctor", "daemon"]

    /// Names the descriptor on which `dev` waits for the daemon it started: the daemon writes one `ReadyReport` line
    /// there and closes it. It must not reach the daemon's children.
    public static let readyVariable = "DEVDB_READY_FD"

    /// Argument of a daemon that is to take the place of the one that runs.
    public static let replace = "--replace"

    /// Taken (flock, exclusively) by a `dev` while it starts a daemon, so that two of them start one.
    public static func startLock(_ layout: HomeLayout) -> String { layout.root + "/start.lock" }
}

/// The one line a new daemon writes to the descriptor named by `DEVDB_READY_FD`.
public enum ReadyReport: Sendable, Equatable {
    /// The control socket takes requests.
    case ready
    case failed(DevError)

    private struct Wire: Codable {
        var ready: Bool?
        var error: DevError?
    }

    /// One JSON object and a line feed.
    public var line: String {
        switch self {
        case .ready: "{\"ready\":true}\n"
        case .failed(let error): (try? JSONText.compact(Wire(error: error))).map { $0 + "\n" } ?? "{}\n"
        }
    }

    /// nil when the line is no report.
    public init?(line: String) {
        guard let wire = try? JSONText.decode(Wire.self, from: Array(line.utf8)) else { return nil }
        if let error = wire.error {
            self = .failed(error)
        } else if wire.ready == true {
            self = .ready
        } else {
            return nil
        }
    }
}
