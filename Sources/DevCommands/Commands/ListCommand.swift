internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev ls`.
enum ListCommand {
    static let description = Command(
        "ls", aliases: ["list"], abstract: "List instances",
        examples: [Example("dev ls", "All of them"), Example("dev ls 'app*' --json", "Those whose names begin with app, as JSON")],
        options: [Naming.json],
        positionals: [Positional(Value("NAMES", .instances), .many, abstract: "Names or patterns; all when left out")])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let patterns = Naming.patterns(invocation)
        let all: [InstanceFacts] =
            if patterns.isEmpty {
                try context.call("list", SelectRequest(selection: context.selection([])))
            } else {
                try context.matches(patterns)
            }
        if invocation.flag("json") {
            try context.printJSON(all)
        } else {
            context.out(FactsText.list(all, colours: context.coloursOutput))
            if all.isEmpty { context.err(patterns.isEmpty ? "No instances yet. Run dev up.\n" : "No instances match.\n") }
        }
        return 0
    }
}
