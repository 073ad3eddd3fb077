internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev up`: create or wake, print the URLs.
enum UpCommand {
    static let description = Command(
        "up", abstract: "Create or wake a PostgreSQL server and print its URLs",
        discussion: [
            "Returns as soon as the server answers: a daemon keeps it. Options that are left out keep what the instance has; for a new one "
                + "dev.toml and then the defaults hold. Ports are kept for life; a port that is given moves the instance to it, and 0 only when "
                + "somebody else has the one it had.",
            "A server that nobody has queried for --idle sleeps, and sessions that are open then end (57P01), also one that waits for LISTEN. "
                + "The next connection wakes it. --idle never keeps it up.",
            "The flags of prisma dev are taken with their meaning; -d prints the plain URL alone.",
        ],
        examples: [
            Example("dev up", "The project's server, created when there is none"),
            Example("dev up --name test --pg 15 --profile ephemeral", "A second one, on PostgreSQL 15, faster and not crash-safe"),
            Example("psql \"$(dev up -d)\"", "Connect to it at once"),
        ],
        options: [
            Naming.nameOption,
            Option("port", short: "p", value: port, abstract: "Port of the HTTP server"),
            Option("db-port", short: "P", value: port, abstract: "Port of the database; 0 for any free one"),
            Option("shadow-db-port", value: port, abstract: "Port of the shadow database; 0 for any free one"),
            Option("detach", short: "d", abstract: "Print the plain URL and nothing else"),
            Option("foreground", abstract: "Follow the server's log until Ctrl-C, then stop it"),
            Option(
                "pg", value: Value("VERSION"), abstract: "Major version of PostgreSQL for a new instance", defaultText: "the newest found"),
            Option(
                "idle", value: Value("TIME"), abstract: "Sleep after so long without use: 30s, 10m, 2h, never; a bare number is seconds",
                defaultText: "10m"),
            Option("password", value: Value("TEXT"), abstract: "Password of the owner, postgres", defaultText: "generated"),
            Option(
                "profile", value: Value("PROFILE", .choice(["durable", "ephemeral"])), abstract: "Server settings", defaultText: "durable"),
            Option(
                "front", value: Value("MODE", .choice(["handoff", "pump"])), abstract: "How clients are connected to the server",
                defaultText: "handoff"),
            Option("set", value: Value("GUC=VALUE", .pair), abstract: "A server setting; may be repeated", repeats: true),
            Naming.json,
        ],
        positionals: [Naming.one], exclusive: [["detach", "foreground"]])

    private static let port = Value("PORT", .integer(0...65_535))

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let json = invocation.flag("json")
        let facts: InstanceFacts = try context.call(UpRequest.path, try request(invocation, context))
        // Before the text that speaks of Ctrl-C: whoever reads it may press it at once.
        let interrupt = invocation.flag("foreground") ? context.catchInterrupts() : -1
        if json {
            try context.printJSON(facts)
        } else if invocation.flag("detach") {
            context.out(facts.url + "\n")
        } else {
            let named = try !Naming.name(invocation).isEmpty
            context.out(
                FactsText.up(facts, colours: context.coloursOutput, foreground: invocation.flag("foreground"), named: named))
        }
        context.warn(facts)
        return invocation.flag("foreground") ? try follow(facts, interrupt: interrupt, json: json, context) : 0
    }

    private static func request(_ invocation: Invocation, _ context: Context) throws(DevError) -> UpRequest {
        if let idle = invocation.value("idle"), IdleLimit(idle) == nil {
            throw DevError(
                .usage, "\"\(idle)\" is no time to sleep after", object: idle, help: "Write --idle 30s, 10m, 2h, 1d or never")
        }
        if let pg = invocation.value("pg"), !isMajor(pg) {
            throw DevError(.usage, "\"\(pg)\" is no version of PostgreSQL", object: pg, help: "Write a major version, such as --pg 15")
        }
        var settings: [String: String] = [:]
        for pair in invocation.values("set") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if let key = parts.first, let value = parts.last { settings[key.trimmed] = String(value) }
        }
        return try UpRequest(
            selection: context.selection(Naming.name(invocation)), pg: invocation.value("pg"), idle: invocation.value("idle"),
            profile: invocation.value("profile"), password: invocation.value("password"), front: invocation.value("front"),
            port: invocation.integer("port"), dbPort: invocation.integer("db-port"), shadowDbPort: invocation.integer("shadow-db-port"),
            settings: settings)
    }

    private static func isMajor(_ text: String) -> Bool {
        (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Until Ctrl-C or a request to end, and through restarts of the daemon; only the former stop the server. Its data stay.
    private static func follow(_ facts: InstanceFacts, interrupt: Int32, json: Bool, _ context: Context) throws(DevError) -> Int32 {
        let selection = try context.selection([facts.name])
        let observer = CallObserver(interrupt: interrupt) { event in
            // In JSON mode standard output is JSON alone.
            if case .line(let line) = event { context.say(line, json: json) }
        }
        let isRemoved: Bool
        do throws(DevError) {
            isRemoved = try context.client.follow(LogsRequest(selection: selection, tail: 0, follow: true), observer: observer)
        } catch {
            // Whoever did that does not want the server to stop, or has stopped it already.
            guard error.code == .daemonUnreachable else { throw error }
            var error = error
            error.help =
                "The server was left as it is. Run dev up \(facts.name) --foreground to follow it again, or dev stop \(facts.name)"
            throw error
        }
        guard !isRemoved else {
            context.say("\(facts.name) has been removed", json: json)
            return 0
        }
        let _: [InstanceFacts] = try context.call("stop", SelectRequest(selection: selection))
        context.say("\(facts.name) has been stopped; its data stay", json: json)
        return 0
    }
}
