internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev version`.
enum VersionCommand {
    static let description = Command(
        "version", abstract: "Print the version", examples: [Example("dev version", "Of dev; dev daemon status has the daemon's")],
        options: [Naming.json])

    struct Answer: Codable { var version: String }

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        guard invocation.flag("json") else { return print(context) }
        try context.printJSON(Answer(version: devdbVersion))
        return 0
    }

    static func print(_ context: Context) -> Int32 {
        context.out("devdb \(devdbVersion)\n")
        return 0
    }
}
