internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev undo rm`.
enum UndoCommand {
    static let description = Command(
        "undo", abstract: "Take back what was done",
        subcommands: [
            Command(
                "rm", abstract: "Bring back an instance that was removed less than 7 days ago",
                discussion: ["The newest of that name; with its data, and its ports when they are still free."],
                examples: [Example("dev undo rm app", "Bring back app")], options: [Naming.json],
                positionals: [Positional(Value("NAME"), .one, abstract: "The name it had")])
        ])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let wanted = invocation.argument("NAME") ?? ""
        guard Glob(wanted).isLiteral, !wanted.contains(",") else {
            throw DevError(
                .usage, "What is brought back is named one by one", object: wanted, cause: "\"\(wanted)\" is a pattern or a list",
                help: "Run dev undo rm NAME for each")
        }
        let name = try InstanceName(wanted).text
        let facts: InstanceFacts = try context.call(UndoRequest.path, UndoRequest(name: name))
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            context.out("\(facts.name) is back: \(facts.url)\n")
        }
        context.warn(facts)
        return 0
    }
}
