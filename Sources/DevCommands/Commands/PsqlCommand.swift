internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev psql`.
enum PsqlCommand {
    static let description = Command(
        "psql", abstract: "Open psql in an instance",
        discussion: ["The psql of the instance's own PostgreSQL, else the one on PATH."],
        examples: [
            Example("dev psql", "A prompt in the project's database"),
            Example("dev psql app -- -c 'select version()'", "One statement in another"),
        ],
        options: [Naming.nameOption],
        positionals: [Naming.one, Positional(Value("ARGUMENTS"), .trailing(required: false), abstract: "Arguments for psql")])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try context.status(invocation, for: .connecting)
        let own = facts.bin.map { $0 + "/psql" }.flatMap { Executable.find($0, context) }
        guard let path = own ?? Executable.find("psql", context) else {
            throw DevError(
                .notFound, "psql was not found", object: "psql", cause: "it is neither in \(facts.bin ?? "the toolchain") nor on PATH",
                help: "Run dev doctor for the command that installs PostgreSQL")
        }
        let arguments = ["psql"] + invocation.arguments("ARGUMENTS")
        let number = context.replaceProcess(path, arguments, Variables.merged(facts, into: context.environment))
        throw DevError(.system, "psql can't be run", object: path, cause: Executable.text(number))
    }
}
