internal import Basics
internal import CPosix
internal import DevAPI
internal import Files
internal import HTTPShim
internal import InstanceManager
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// `devd` from its arguments to its exit status.
public enum DaemonMain {
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status (design §9): 4 when another daemon has the home.
    public static func run(arguments: [String], environment: [String: String]) -> Int32 {
        let notice = ReadyNotice(environment: environment)
        do {
            let options = try DaemonOptions(arguments)
            switch options.action {
            case .version:
                print("devd \(devdbVersion)")
                return 0
            case .help:
                print(DaemonOptions.usage, terminator: "")
                return 0
            case .run:
                try serve(options, environment, notice)
                return 0
            }
        } catch {
            notice.send(.failed(error))
            // `dev` has been told; a person who started us by hand reads stderr.
            complain("\(error)\n")
            return error.code.exitStatus
        }
    }

    private static func serve(_ options: DaemonOptions, _ environment: [String: String], _ notice: ReadyNotice) throws(DevError) {
        // Nothing we write is for others; where the servers' user must get through, modes are set by name.
        umask(0o077)
        // A client that has gone is an error of its socket, not our end.
        signal(SIGPIPE, SIG_IGN)
        ResourceLimit.raiseDescriptors()
        devdb_keep_heap_small()
        PrismaService.prepareProcess()

        var environment = environment
        if let home = options.home { environment["DEVDB_HOME"] = home }
        let layout = HomeLayout.resolve(environment: environment, userID: geteuid(), workingDirectory: workingDirectory())
        let user = try ServersUser.resolve(environment: environment)
        try Home.prepare(layout, servedByAnother: user != nil)
        if options.replaces { try Handover.take(layout) }
        guard let lock = try FileLock.acquire(layout.lockFile) else {
            throw DevError(
                .homeInUse, "Another daemon has \(layout.root)", object: layout.root,
                cause: FileLock.holder(layout.lockFile).map { "pid \($0)" }, help: "Run dev daemon status")
        }
        for folder in [layout.root, layout.library] { DurableFile.sweep(folder) }
        // A folder that goes away (an unmounted disk) must not be held by us.
        _ = chdir("/")
        let level: Log.Level = environment["DEVDB_LOG"] == "debug" ? .debug : .info
        let log = try DaemonLogFile.open(layout.daemonLog, level: level, foreground: options.foreground)
        let loop = try Loop()
        let daemon = Daemon(loop: loop, layout: layout, user: user, environment: environment, log: log, notice: notice)
        loop.task { await daemon.run() }
        loop.run()
        // Only the process's end lets go: who waits for the lock may rely on everything of us being gone.
        _ = Unmanaged.passRetained(lock)
        if let failure = daemon.outcome.failure { throw failure }
    }

    private static func workingDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private static func complain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            #if canImport(Darwin)
                _ = Darwin.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
            #else
                _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
            #endif
        }
    }
}
