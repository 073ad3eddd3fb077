internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev status`.
enum StatusCommand {
    static let description = Command(
        "status", abstract: "Tell everything about one instance", discussion: ["Wakes nothing."],
        examples: [Example("dev status", "The project's"), Example("dev status app --json", "Another one, as JSON")],
        options: [Naming.nameOption, Naming.json], positionals: [Naming.one])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try context.status(invocation, for: .reading)
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            context.out(FactsText.status(facts, colours: context.coloursOutput))
            for note in facts.notes { context.err("warning: \(note)\n") }
        }
        return 0
    }
}
