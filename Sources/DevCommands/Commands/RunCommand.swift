internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev run`.
enum RunCommand {
    static let description = Command(
        "run", abstract: "Run a command with the environment of an instance",
        discussion: [
            "PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSSLMODE DATABASE_URL SHADOW_DATABASE_URL are set. The server wakes when the "
                + "command connects. The exit status is the command's; 127 when it is not found, 126 when it can't be run."
        ],
        examples: [
            Example("dev run -- npm test", "With the project's database"), Example("dev run app -- pg_dump > app.sql", "With another one"),
        ],
        options: [Naming.nameOption],
        positionals: [
            Naming.one, Positional(Value("COMMAND"), .trailing(required: true), abstract: "The command and its arguments"),
        ])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try context.status(invocation, for: .connecting)
        let command = invocation.arguments("COMMAND")
        guard let name = command.first else { return 2 }
        let environment = Variables.merged(facts, into: context.environment)
        guard let path = Executable.find(name, context) else {
            return fail("There is no command \"\(name)\"", name, nil, help: "Check its spelling and PATH", 127, context)
        }
        let number = context.replaceProcess(path, command, environment)
        return fail("\(name) can't be run", path, Executable.text(number), help: "Check what kind of file it is", 126, context)
    }

    /// The shells' exit statuses, which scripts know.
    private static func fail(
        _ message: String, _ object: String, _ cause: String?, help: String, _ status: Int32, _ context: Context
    ) -> Int32 {
        _ = Program.fail(
            DevError(status == 127 ? .notFound : .system, message, object: object, cause: cause, help: help), json: false, context)
        return status
    }
}
