internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev config`.
enum ConfigCommand {
    static let description = Command(
        "config", abstract: "Show or change what an instance is configured with",
        discussion: [
            "Keys: idle, password, profile, front, and settings.GUC for server settings. What dev.toml says wins over what is stored here. "
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
                ],
                positionals: [key, Positional(Value("VALUE"), .one, abstract: "The new value")]),
            Command(
                "unset", abstract: "Go back to the default of one value",
                examples: [Example("dev config unset settings.work_mem", "Without it")], positionals: [key]),
        ])

    private static let key = Positional(Value("KEY"), .one, abstract: "Such as idle or settings.work_mem")

    static func show(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try call(invocation, context)
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            let rows = facts.entries.map { [$0.key, $0.value, $0.source] }
            context.out(Table.text(["KEY", "VALUE", "SOURCE"], rows, colours: context.coloursOutput))
            pending(facts, context)
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
        let change = [invocation.argument("KEY") ?? "": invocation.argument("VALUE") ?? ""]
        return try changed(try call(invocation, context, set: change), invocation, context)
    }

    static func unset(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        try changed(try call(invocation, context, unset: [invocation.argument("KEY") ?? ""]), invocation, context)
    }

    private static func call(
        _ invocation: Invocation, _ context: Context, set: [String: String] = [:], unset: [String] = []
    ) throws(DevError) -> ConfigFacts {
        let selection = try context.selection(try Naming.name(invocation))
        return try context.call(ConfigRequest.path, ConfigRequest(selection: selection, set: set, unset: unset))
    }

    private static func changed(_ facts: ConfigFacts, _ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        if invocation.flag("json") { try context.printJSON(facts) } else { pending(facts, context) }
        return 0
    }

    private static func pending(_ facts: ConfigFacts, _ context: Context) {
        guard !facts.pendingRestart.isEmpty else { return }
        let keys = facts.pendingRestart.joined(separator: ", ")
        context.err("Takes effect when the server starts again (dev stop \(facts.name), dev up \(facts.name)): \(keys)\n")
    }
}
