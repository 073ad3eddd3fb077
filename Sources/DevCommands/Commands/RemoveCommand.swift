internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev rm`.
enum RemoveCommand {
    static let description = Command(
        "rm", aliases: ["remove"], abstract: "Move instances to the trash",
        discussion: [
            "dev undo rm NAME brings an instance back for 7 days. One that runs is refused unless --force stops it first. On a terminal it "
                + "asks first: the answer is \"\(Confirmation.lose)\", y or yes. When standard output is no terminal, it goes ahead."
        ],
        examples: [Example("dev rm old", "One"), Example("dev rm 'app--*' --force --yes", "All branches of app, running or not")],
        options: [
            Option("force", short: "f", abstract: "Stop running ones first"), Option("yes", short: "y", abstract: "Don't ask"),
            Naming.json,
        ],
        positionals: [Naming.several])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let json = invocation.flag("json")
        let found = try context.matches(Naming.patterns(invocation))
        let awake = found.filter(\.isAwake).map(\.name).joined(separator: ", ")
        guard awake.isEmpty || invocation.flag("force") else {
            throw DevError(
                .running, "Some instances are running", object: awake, cause: awake,
                help: "Use the --force flag to stop and remove them, or run dev stop first")
        }
        var removed: [InstanceFacts] = []
        if found.isEmpty {
            context.say("No instances found to remove.", json: json)
        } else {
            let names = found.map(\.name)
            if !invocation.flag("yes") {
                try Confirmation.ask(
                    "This removes: \(names.joined(separator: ", ")). It can be undone for 7 days.", phrase: Confirmation.lose, context)
            }
            removed = try context.call(
                "rm", SelectRequest(selection: context.selection(names), force: invocation.flag("force")))
        }
        if json {
            try context.printJSON(removed)
        } else {
            for facts in removed { context.out("Removed \(facts.name); dev undo rm \(facts.name) brings it back for 7 days\n") }
        }
        return 0
    }
}
