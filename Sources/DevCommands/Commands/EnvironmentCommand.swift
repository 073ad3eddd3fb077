internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev env`.
enum EnvironmentCommand {
    static let description = Command(
        "env", abstract: "Print or write the environment of an instance",
        discussion: [
            "PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSSLMODE DATABASE_URL SHADOW_DATABASE_URL. Wakes nothing.",
            "--write replaces the file in one step: lines of these names get the new values, missing ones are added at the end, "
                + "all others stay as they are, and so do the file's mode and its kind of line ends.",
        ],
        examples: [
            Example("eval \"$(dev env --format shell)\"", "Into the running shell"),
            Example("dev env --write .env", "Into the project's .env"),
        ],
        options: [
            Naming.nameOption,
            Option(
                "format", value: Value("FORMAT", .choice(["dotenv", "shell", "json"])), abstract: "How to print it", defaultText: "dotenv"),
            Option("write", value: Value("FILE", .path), abstract: "Write it into a dotenv file instead"),
            Option("prisma", abstract: "DATABASE_URL with Prisma's TCP parameters"),
            Option("json", abstract: "The same as --format json"),
        ],
        positionals: [Naming.one], exclusive: [["format", "write"], ["format", "json"], ["write", "json"]])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try context.status(invocation, for: .connecting)
        let variables = Variables.of(facts, prisma: invocation.flag("prisma"))
        if let file = invocation.value("write") {
            guard file != "-" else {
                throw DevError(.usage, "--write wants a file", object: file, help: "Leave --write away to print it")
            }
            let path = file.hasPrefix("/") ? file : context.directory + "/" + file
            let change = try EnvironmentFile(path: path).write(variables)
            context.out("Wrote \(file): \(change.replaced) replaced, \(change.added) added\n")
            return 0
        }
        switch invocation.flag("json") ? "json" : invocation.value("format") {
        case "json":
            try context.printJSON(Dictionary(variables.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
        case "shell":
            context.out(variables.map { "export \($0.key)=\(Quoting.shell($0.value))\n" }.joined())
        default:
            context.out(variables.map { "\($0.key)=\(Quoting.dotenv($0.value))\n" }.joined())
        }
        return 0
    }
}
