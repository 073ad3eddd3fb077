internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev logs`.
enum LogsCommand {
    static let description = Command(
        "logs", aliases: ["log"], abstract: "Print the server log of an instance",
        discussion: ["-f goes on across stops and starts of the server and restarts of the daemon, until Ctrl-C."],
        examples: [Example("dev logs -f", "Follow the project's"), Example("dev logs app -n 20", "The last 20 lines of another")],
        options: [
            Option("name", value: Value("NAME", .instance), abstract: "The instance; the same as the argument NAME"),
            Option("follow", short: "f", abstract: "Go on with what comes"),
            Option(
                "lines", short: "n", value: Value("LINES", .integer(0...1_000_000)), abstract: "How many of the last lines",
                defaultText: "100"),
        ],
        positionals: [Naming.one])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let request = try LogsRequest(
            selection: context.selection(Naming.name(invocation)), tail: invocation.integer("lines") ?? 100,
            follow: invocation.flag("follow"))
        let observer = CallObserver(output: context.output) { event in
            if case .line(let line) = event { context.out(line + "\n") }
        }
        do throws(DevError) {
            guard request.follow else {
                let _: Done = try context.client.call(LogsRequest.path, request, observer: observer)
                return 0
            }
            _ = try context.client.follow(request, observer: observer)
        } catch {
            // `dev logs -f | head`: who wanted them has all.
            guard error.code == .cancelled else { throw error }
        }
        return 0
    }
}
