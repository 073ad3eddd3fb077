internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev start`.
enum StartCommand {
    static let description = Command(
        "start", abstract: "Wake instances that exist",
        examples: [Example("dev start", "The project's"), Example("dev start 'app*,other'", "Several")],
        options: [Naming.json], positionals: [Naming.several])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let json = invocation.flag("json")
        let found = try context.matches(Naming.patterns(invocation))
        let asleep = found.filter { $0.state != .running }
        for facts in found where facts.state == .running {
            context.say("\(facts.name) is already running and won't be affected", json: json)
        }
        var started: [InstanceFacts] = []
        if asleep.isEmpty {
            context.say("No instances found to start.", json: json)
        } else {
            started = try context.call("start", SelectRequest(selection: context.selection(asleep.map(\.name))))
        }
        if json {
            try context.printJSON(started)
        } else {
            for facts in started { context.out("Started \(facts.name): \(facts.url)\n") }
        }
        for facts in started { context.warn(facts) }
        return 0
    }
}
