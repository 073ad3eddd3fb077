internal import Basics
internal import Loop

/// What is held of a running postmaster. Confined to the loop.
final class LivingServer {
    /// The instance's.
    let id: String
    let server: Server
    let dataDirectory: String
    let socketDirectory: String
    let logPath: String
    /// Where in the log this start's lines begin.
    let logOffset: Int64
    /// nil for an adopted one.
    let child: ChildProcess?
    /// Fires at each change in the data directory, at the end of the process, and when a timer asks for a look.
    let changed = Trigger()
    private(set) var exit: ExitStatus?
    private(set) var hasEnded = false
    private var lookIsDue = false
    private let timer: TimerHandle
    private var folder: FolderWatch?
    private var sockets: FolderWatch?
    private var exitWatch: ExitWatch?
    /// How clients get through; found out at the first session.
    var passage: Passage?
    /// How our own sessions got in.
    var login: OwnLogin
    /// Why the hand-off did not work, if it was tried.
    var handoffProblem: String?
    /// What it has lost, once it was told to go for that.
    var loss: PostgresEffects.Loss?
    /// When its socket was first missed.
    var missedSince: ContinuousClock.Instant?

    var socketPath: String { socketDirectory + "/.s.PGSQL.5432" }
    var endpoint: Endpoint {
        Endpoint(
            socketDirectory: socketDirectory, socketPath: socketPath,
            passage: passage ?? .pump(marked: false, reason: "the hand-off was not proved"))
    }

    init(
        loop: Loop, id: String, server: Server, major: Int?, dataDirectory: String, socketDirectory: String, logPath: String,
        logOffset: Int64,
        child: ChildProcess?
    ) throws(DevError) {
        self.id = id
        login = OwnLogin(major: major)
        self.server = server
        self.dataDirectory = dataDirectory
        self.socketDirectory = socketDirectory
        self.logPath = logPath
        self.logOffset = logOffset
        self.child = child
        timer = TimerHandle(loop: loop)
    }

    /// Begins to watch; `ended` is told of an adopted server's end (a child's is awaited).
    func watch(loop: Loop) throws(DevError) {
        let changed = changed
        // The kernel names the folder itself when it is removed or renamed.
        let folderName = dataDirectory.split(separator: "/").last.map(String.init)
        folder = try FolderWatch(loop: loop, path: dataDirectory) { name in
            // The files of a running server come and go; its state is in one of them.
            if name == nil || name == "postmaster.pid" || name == "PG_VERSION" || name == folderName { changed.fire() }
        }
        // A folder that is gone already is noticed at the first look.
        sockets = try? FolderWatch(loop: loop, path: socketDirectory) { _ in changed.fire() }
        guard child == nil else { return }
        exitWatch = try ExitWatch(loop: loop, pid: server.pid) { [weak self] in self?.ended(nil) }
    }

    func ended(_ status: ExitStatus?) {
        guard !hasEnded else { return }
        exit = status
        hasEnded = true
        timer.close()
        folder?.close()
        sockets?.close()
        exitWatch?.close()
        changed.fire()
    }

    /// Fires `changed` after so long, unless called again.
    func look(after delay: Duration) {
        guard !hasEnded else { return }
        timer.start(after: delay) { [weak self] in
            self?.lookIsDue = true
            self?.changed.fire()
        }
    }

    /// Whether the time for a look has come since the last call.
    func takeLook() -> Bool {
        defer { lookIsDue = false }
        return lookIsDue
    }

    func stopLooking() {
        if !hasEnded { timer.stop() }
    }
}
