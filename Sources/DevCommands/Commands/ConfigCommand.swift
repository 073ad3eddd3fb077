internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev config`.
enum ConfigCommand {
    static let description = Command(
        "config", abstract: "Show or change what an instance is configured with",
        discussion: [
            "Keys: idle, password, profile, front, settings.GUC for server settings, and for Prisma's clients over HTTP: limits.queryTimeout, "
                + "limits.responseSize, limits.transactionDuration, limits.requestsPerSecond, limits.connections, chaos.latency, chaos.fail. "
                + "What dev.toml says wins over what is stored here. "
                + "An instance that is named like a command below is meant with --name."
        ],
        examples: [Example("dev config", "Show the project's, and where each value comes from")],
        options: [Naming.nameOption, Naming.json], positionals: [Naming.one],
        subcommands: [
            Command(
                "get", abstract: "Print one value", examples: [Example("dev config get idle", "After how long it sleeps")],
                positionals: [key]),
            Command(
                "set", abstract: "Change one value",
                examples: [
                    Example("dev config set idle 1h", "Sleep after an hour"),
                    Example("dev config set settings.work_mem 64MB", "A server setting"),
                    Example("dev config set limits.queryTimeout 10s", "Prisma's clients get P6004 then"),
                    Example("dev config set chaos.fail 10%", "One in ten of their requests fails"),
                ],
                positionals: [key, Positional(Value("VALUE"), .optional, abstract: "The new value; KEY=VALUE does as well")]),
            Command(
                "unset", abstract: "Go back to the default of one value",
                examples: [Example("dev config unset settings.work_mem", "Without it")], positionals: [key]),
        ])

    /// PostgreSQL has hundreds of settings and takes all of them; completions offer those that people change.
    private static let settings = [
        "auto_explain.log_min_duration", "autovacuum", "checkpoint_timeout", "default_transaction_isolation", "effective_cache_size",
        "enable_seqscan", "fsync", "full_page_writes", "idle_in_transaction_session_timeout", "jit", "lock_timeout", "log_connections",
        "log_disconnections", "log_line_prefix", "log_lock_waits", "log_min_duration_statement", "log_min_messages", "log_statement",
        "maintenance_work_mem", "max_connections", "max_parallel_workers", "max_prepared_transactions", "max_replication_slots",
        "max_wal_senders", "max_wal_size", "random_page_cost", "search_path", "shared_buffers", "shared_preload_libraries",
        "statement_timeout", "synchronous_commit", "timezone", "track_functions", "track_io_timing", "wal_level", "work_mem",
    ].map { "settings." + $0 }

    private static let key = Positional(
        Value("KEY", .suggestion(["idle", "password", "profile", "front"] + ServingKey.names + settings)), .one,
        abstract: "Such as idle or settings.work_mem")

    static func show(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try call(invocation, context)
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            let rows = facts.entries.map { [$0.key, $0.value, $0.source] }
            context.out(Table.text(["KEY", "VALUE", "SOURCE"], rows, colours: context.coloursOutput))
            pending(facts.pendingRestart, facts, context)
            for note in facts.notes { context.err("warning: \(note)\n") }
        }
        return 0
    }

    static func get(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let key = invocation.argument("KEY") ?? ""
        let facts = try call(invocation, context)
        guard let entry = facts.entries.first(where: { $0.key == key }) else {
            throw DevError(
                .notFound, "\(facts.name) has no value for \"\(key)\"", object: key, help: "Run dev config for all that there are")
        }
        if invocation.flag("json") { try context.printJSON(entry) } else { context.out(entry.value + "\n") }
        return 0
    }

    static func set(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        var key = invocation.argument("KEY") ?? ""
        var value = invocation.argument("VALUE")
        // As in postgresql.conf, dev.toml and --set; no key has an equals sign in it.
        if value == nil, let equals = key.firstIndex(of: "=") {
            value = key[key.index(after: equals)...].trimmed
            key = key[..<equals].trimmed
        }
        guard let value else {
            throw DevError(.usage, "dev config set needs VALUE", object: key, help: "Run dev config set KEY VALUE")
        }
        return try changed(key, try call(invocation, context, set: [key: value]), invocation, context)
    }

    static func unset(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let key = invocation.argument("KEY") ?? ""
        return try changed(key, try call(invocation, context, unset: [key]), invocation, context)
    }

    private static func call(
        _ invocation: Invocation, _ context: Context, set: [String: String] = [:], unset: [String] = []
    ) throws(DevError) -> ConfigFacts {
        let selection = try context.selection(try Naming.name(invocation))
        return try context.call(ConfigRequest.path, ConfigRequest(selection: selection, set: set, unset: unset))
    }

    private static func changed(
        _ key: String, _ facts: ConfigFacts, _ invocation: Invocation, _ context: Context
    ) throws(DevError) -> Int32 {
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            // What waits from before is shown by `dev config`: beside a key that holds at once it would seem to wait too.
            pending(facts.pendingRestart.filter { $0 == key }, facts, context)
        }
        for note in facts.notes { context.err("warning: \(note)\n") }
        return 0
    }

    private static func pending(_ keys: [String], _ facts: ConfigFacts, _ context: Context) {
        guard !keys.isEmpty else { return }
        let keys = keys.joined(separator: ", ")
        context.err("Takes effect when the server starts again (dev stop \(facts.name), dev up \(facts.name)): \(keys)\n")
    }
}
