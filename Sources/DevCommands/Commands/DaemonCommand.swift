internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev daemon`: the process behind all commands. It starts by itself.
enum DaemonCommand {
    static let description = Command(
        "daemon", abstract: "Start, stop or look at the daemon",
        discussion: [
            "Every command that needs the daemon starts it. It may die or be replaced at any moment: servers and sessions live on."
        ],
        subcommands: [
            Command(
                "start", abstract: "Start the daemon if it does not run",
                examples: [Example("dev daemon start", "After login, so that URLs answer")], options: [Naming.json]),
            Command(
                "stop", abstract: "Stop the daemon",
                discussion: ["Servers and sessions live on, and the next daemon takes them over; new clients can't connect until then."],
                examples: [
                    Example("dev daemon stop", "The daemon alone"), Example("dev daemon stop --servers", "And every server"),
                ],
                options: [Option("servers", abstract: "Stop every server too")]),
            Command(
                "status", abstract: "Tell about the daemon", discussion: ["Starts nothing. Exit status 5 when it does not run."],
                examples: [Example("dev daemon status", "Its process, home and ports")], options: [Naming.json]),
            Command(
                "restart", abstract: "Replace the daemon, as after an upgrade",
                discussion: ["Servers and sessions live on, and nobody who connects meanwhile is refused."],
                examples: [Example("dev daemon restart", "Replace it")], options: [Naming.json]),
        ])

    private struct Nothing: Encodable {}

    static func start(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let ran = context.client.isRunning
        return try report(ran ? "The daemon is already running" : "The daemon is running", invocation, context)
    }

    static func stop(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let servers = invocation.flag("servers")
        let progress = Progress(context)
        defer { progress.clear() }
        // Only a daemon can stop the servers that a dead one left.
        if servers, !context.client.isRunning { let _: DaemonFacts = try context.call("daemon", Nothing()) }
        let ran = try context.client.shutdown(stopServers: servers, observer: progress.observer())
        progress.clear()
        context.out(
            ran ? "The daemon has stopped\(servers ? ", and every server with it" : "; servers live on")\n" : "The daemon is not running\n")
        return 0
    }

    static func status(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        var context = context
        context.client.starter = nil
        return try report("The daemon is running", invocation, context)
    }

    static func restart(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let progress = Progress(context)
        defer { progress.clear() }
        try context.client.restart(observer: progress.observer())
        progress.clear()
        return try report("The daemon is running", invocation, context)
    }

    private static func report(_ title: String, _ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let progress = Progress(context)
        defer { progress.clear() }
        let facts = try context.client.call(
            "daemon", Nothing(), as: DaemonFacts.self, checksVersion: false, observer: progress.observer())
        progress.clear()
        if invocation.flag("json") {
            try context.printJSON(facts)
            return 0
        }
        context.out("\(title) (pid \(facts.pid), version \(facts.version))\n")
        let rows = [
            ("home", facts.home), ("socket", facts.controlSocket), ("http", facts.httpUrl), ("since", facts.startedAt),
            ("instances", String(facts.instances)),
        ]
        for (key, value) in rows { context.out("  " + key + String(repeating: " ", count: 11 - key.count) + value + "\n") }
        if let user = facts.runsServersAs { context.out("  servers    run as \(user)\n") }
        if let reason = facts.httpPortReason { context.err("warning: \(reason)\n") }
        if facts.version != devdbVersion { context.err("dev is version \(devdbVersion): run dev daemon restart\n") }
        return 0
    }
}
