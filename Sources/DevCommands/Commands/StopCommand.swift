internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev stop`.
enum StopCommand {
    static let description = Command(
        "stop", abstract: "Put instances to sleep",
        discussion: [
            "Sessions are ended, data stay, and the next connection wakes the server again. On a terminal it asks first: the answer is "
                + "\"\(Confirmation.interrupt)\", y or yes. When standard output is no terminal, it goes ahead."
        ],
        examples: [Example("dev stop", "The project's"), Example("dev stop '*' --yes", "All, without a question")],
        options: [Option("yes", short: "y", abstract: "Don't ask"), Naming.json], positionals: [Naming.several])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let json = invocation.flag("json")
        let awake = try context.matches(Naming.patterns(invocation)).filter(\.isAwake)
        var stopped: [InstanceFacts] = []
        if awake.isEmpty {
            context.say("No instances found to stop.", json: json)
        } else {
            if !invocation.flag("yes") {
                try Confirmation.ask("This ends all sessions of: \(describe(awake))", phrase: Confirmation.interrupt, context)
            }
            stopped = try context.call("stop", SelectRequest(selection: context.selection(awake.map(\.name))))
        }
        if json {
            try context.printJSON(stopped)
        } else {
            for facts in stopped { context.out("Stopped \(facts.name)\n") }
        }
        return 0
    }

    /// `app (3 sessions), other`
    private static func describe(_ all: [InstanceFacts]) -> String {
        all.map { facts in
            switch facts.sessions {
            case 0: facts.name
            case 1: "\(facts.name) (1 session)"
            default: "\(facts.name) (\(facts.sessions) sessions)"
            }
        }.joined(separator: ", ")
    }
}
