public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Starts `devd` and waits, without polling, until it takes requests or says why it can't.
public struct DaemonStarter: Sendable {
    /// A new home's first start makes folders and a registry; it does not run `initdb`.
    static let patience: Double = 30

    private let layout: HomeLayout
    private var environment: [String: String]
    private let program: String?

    /// - Parameters:
    ///   - environment: what the daemon gets; `DEVDB_DEVD` and `PATH` say where it is.
    ///   - program: the real path of the running `dev`, beside which `devd` is looked for.
    public init(layout: HomeLayout, environment: [String: String], program: String?) {
        self.layout = layout
        self.environment = environment
        self.program = program
    }

    /// A daemon that this starts logs more (`--debug`).
    public mutating func logMore() { environment["DEVDB_LOG"] = "debug" }

    /// Of several that call this at once, one starts a daemon and the others find it.
    /// - Throws: the daemon's own reason; `daemon-unreachable` when there is no `devd`, when it said nothing, or in time not enough.
    public func start(_ observer: CallObserver = CallObserver()) throws(DevError) {
        let lock = StartLock(layout)
        // The one that had the lock before may have started it.
        if answers { return }
        let path = try locate()
        observer.happened(.progress("Starting the daemon"))
        do {
            try startOne(path, observer)
        } catch {
            // The one that had the home was about to end, not to listen: now the home is free.
            guard error.code == .homeInUse, !HomeLock.isHeld(layout) else { throw error }
            try startOne(path, observer)
        }
        _ = consume lock
    }

    /// Starts a daemon that takes the place of the one that runs, if one does: it sends that one away itself, so that from here on
    /// nothing depends on this process. Nobody else starts one in between.
    func replace(_ observer: CallObserver) throws(DevError) {
        let lock = StartLock(layout)
        let path = try locate()
        observer.happened(.progress("Replacing the daemon"))
        try startOne(path, observer, [ControlProtocol.replace], within: Self.patience + ControlClient.leaving)
        _ = consume lock
    }

    private func startOne(
        _ path: String, _ observer: CallObserver, _ arguments: [String] = [], within patience: Double = Self.patience
    ) throws(DevError) {
        let mark = DaemonLog(layout.daemonLog)
        let child = try spawn(path, arguments)
        defer { close(child.ready) }
        try wait(child, path, mark, patience, observer)
    }

    private var answers: Bool {
        if case .connected = LocalSocket.connect(layout.controlSocket) { true } else { false }
    }

    // MARK: Finding it

    /// The first of `DEVDB_DEVD`, `devd` beside the real `dev`, `devd` on PATH.
    func locate() throws(DevError) -> String {
        if let wanted = environment["DEVDB_DEVD"], !wanted.isEmpty {
            guard access(wanted, X_OK) == 0 else {
                throw DevError(
                    .daemonUnreachable, "DEVDB_DEVD names no program", object: wanted, cause: systemText(errno),
                    help: "Unset DEVDB_DEVD, or set it to the path of devd")
            }
            return wanted
        }
        var candidates: [String] = []
        if let program, let slash = program.lastIndex(of: "/") { candidates.append(program[..<slash] + "/devd") }
        candidates += (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map { $0 + "/devd" }
        for candidate in candidates where access(candidate, X_OK) == 0 { return candidate }
        throw DevError(
            .daemonUnreachable, "devd was not found", object: "devd", cause: "it is neither beside \(program ?? "dev") nor on PATH",
            help: "Install both programs into one folder, or set DEVDB_DEVD to its path")
    }

    // MARK: Starting it

    private struct Child {
        var pid: pid_t
        /// Reading end of the pipe on which it reports.
        var ready: Int32
    }

    private func spawn(_ path: String, _ arguments: [String]) throws(DevError) -> Child {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw DevError(.descriptors, "No pipe to the daemon", object: path, cause: systemText(errno)) }
        // Out of the way of descriptor 3, which becomes the child's copy: a dup2 onto itself would not survive exec everywhere.
        let writing = fcntl(ends[1], F_DUPFD_CLOEXEC, 10)
        close(ends[1])
        defer { close(writing) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)

        var actions = SpawnFileActions()
        posix_spawn_file_actions_init(&actions.value)
        defer { posix_spawn_file_actions_destroy(&actions.value) }
        // What our caller left open (a lock of a script, a pipe of `$(...)`) must not live as long as the daemon.
        for descriptor in Inheritance.kept() { posix_spawn_file_actions_addclose(&actions.value, descriptor) }
        posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions.value, 1, "/dev/null", O_WRONLY, 0)
        // Last words of the Swift runtime go to the log; the daemon writes the log itself otherwise.
        let log = open(layout.daemonLog, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        defer { if log >= 0 { close(log) } }
        if log >= 0 {
            posix_spawn_file_actions_adddup2(&actions.value, log, 2)
        } else {
            posix_spawn_file_actions_addopen(&actions.value, 2, "/dev/null", O_WRONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions.value, writing, 3)

        var attributes = SpawnAttributes()
        posix_spawnattr_init(&attributes.value)
        defer { posix_spawnattr_destroy(&attributes.value) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes.value, &none)
        var standard = sigset_t()
        sigemptyset(&standard)
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD] { sigaddset(&standard, signal) }
        posix_spawnattr_setsigdefault(&attributes.value, &standard)
        // A session of its own: the terminal's Ctrl-C and hang-up are not for the daemon.
        posix_spawnattr_setflags(&attributes.value, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | newSession)

        var variables = environment
        variables["DEVDB_HOME"] = layout.root
        variables[ControlProtocol.readyVariable] = "3"
        var pid: pid_t = 0
        let result = CStrings.with([path] + arguments) { arguments in
            CStrings.with(variables.map { $0.key + "=" + $0.value }) {
                posix_spawn(&pid, path, &actions.value, &attributes.value, arguments, $0)
            }
        }
        guard result == 0 else {
            close(ends[0])
            throw DevError(.daemonUnreachable, "devd can't be run", object: path, cause: systemText(result), help: "Install devdb again")
        }
        return Child(pid: pid, ready: ends[0])
    }

    // MARK: Waiting for it

    private func wait(
        _ child: Child, _ path: String, _ log: DaemonLog, _ patience: Double, _ observer: CallObserver
    ) throws(DevError) {
        let deadline = Monotonic.seconds + patience
        var text: [UInt8] = []
        while true {
            let left = deadline - Monotonic.seconds
            guard left > 0 else {
                throw DevError(
                    .timedOut, "devd was not ready within \(Int(patience)) seconds", object: path, cause: log.lastNewLine,
                    help: "Read \(layout.daemonLog)")
            }
            let slice = Int32(left * 1000) + 1
            var waited = [pollfd(fd: child.ready, events: Int16(POLLIN), revents: 0)]
            let ready = poll(&waited, 1, observer.tick < 0 ? slice : min(slice, observer.tick))
            if ready == 0 { observer.happened(.tick) }
            guard ready > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = retrying { read(child.ready, &buffer, buffer.count) }
            if count > 0 {
                text += buffer[..<count]
                guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else { continue }
                switch ReadyReport(line: String(decoding: text[..<end], as: UTF8.self)) {
                case .ready: return
                // Somebody's own `devd` was quicker.
                case .failed(let error) where error.code == .homeInUse: return try waitForTheOther(deadline, error)
                case .failed(let error): throw error
                case nil: break
                }
            }
            return try gone(child, path, log, deadline)
        }
    }

    /// It closed the pipe without a report.
    private func gone(_ child: Child, _ path: String, _ log: DaemonLog, _ deadline: Double) throws(DevError) {
        if answers { return }
        var status: Int32 = 0
        let ended = retrying { waitpid(child.pid, &status, 0) } == child.pid
        // It leaves with 0 when another holds the home.
        let error = DevError(
            .daemonUnreachable, "devd did not start", object: path,
            cause: log.lastNewLine ?? (status & 0x7f == 0 ? "it exited with status \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"),
            help: "Read \(layout.daemonLog), or run \(path) yourself")
        if ended, status == 0 { return try waitForTheOther(deadline, error) }
        throw error
    }

    /// A daemon that we did not start has the home and is about to listen: nothing tells us when, so this one case asks
    /// again and again (every 10 ms), as long as the other lives.
    private func waitForTheOther(_ deadline: Double, _ error: DevError) throws(DevError) {
        while Monotonic.seconds < deadline {
            if answers { return }
            guard HomeLock.isHeld(layout) else { break }
            usleep(10_000)
        }
        if !answers { throw error }
    }
}
