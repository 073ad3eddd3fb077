internal import Basics
internal import CommandLine

extension Program {
    typealias Run = (Invocation, Context) throws(DevError) -> Int32

    /// The one description of the command line.
    static let root = Command(
        "dev", abstract: "A local PostgreSQL for every project",
        discussion: [
            "Each instance is a real PostgreSQL server with a URL of its own, kept by a daemon that starts when it is needed. "
                + "It wakes when a client connects and sleeps when nobody uses it.",
            "NAME is the project's: dev.toml's name, else that of the folder with .git, else \"default\". Where several names can be given, "
                + "they may be separated by commas, and * ? [a-z] match as in a shell; a pattern that matches nothing is no error, "
                + "a name that does not exist is.",
        ],
        options: [
            Option("help", short: "h", abstract: "Show this help"),
            Option("debug", abstract: "Tell on standard error what is done; a daemon that this starts logs more"),
            Option("version", abstract: "Print the version"),
        ],
        subcommands: [
            UpCommand.description, ListCommand.description, StartCommand.description, StopCommand.description, RemoveCommand.description,
            UndoCommand.description, StatusCommand.description, URLCommand.description, EnvironmentCommand.description,
            RunCommand.description, PsqlCommand.description, LogsCommand.description, ConfigCommand.description,
            DoctorCommand.description, DaemonCommand.description, CompletionsCommand.description, VersionCommand.description,
            HelpCommand.description, CompleteCommand.description, ManCommand.description,
        ],
        exitStatuses: [
            ExitStatus(0, "Done"), ExitStatus(1, "It failed"), ExitStatus(2, "The command line, a name or dev.toml is wrong"),
            ExitStatus(3, "Not found"), ExitStatus(4, "Refused because of the state things are in"),
            ExitStatus(5, "The daemon can't be reached"),
        ])

    /// nil for a command that only has subcommands.
    static func verb(_ invocation: Invocation) -> Run? {
        switch invocation.name {
        case "up": UpCommand.run
        case "ls": ListCommand.run
        case "start": StartCommand.run
        case "stop": StopCommand.run
        case "rm": RemoveCommand.run
        case "undo rm": UndoCommand.run
        case "status": StatusCommand.run
        case "url": URLCommand.run
        case "env": EnvironmentCommand.run
        case "run": RunCommand.run
        case "psql": PsqlCommand.run
        case "logs": LogsCommand.run
        case "config": ConfigCommand.show
        case "config get": ConfigCommand.get
        case "config set": ConfigCommand.set
        case "config unset": ConfigCommand.unset
        case "doctor": DoctorCommand.run
        case "daemon start": DaemonCommand.start
        case "daemon stop": DaemonCommand.stop
        case "daemon status": DaemonCommand.status
        case "daemon restart": DaemonCommand.restart
        case "completions": CompletionsCommand.run
        case "version": VersionCommand.run
        case "help": HelpCommand.run
        case "__complete": CompleteCommand.run
        case "__man": ManCommand.run
        default: nil
        }
    }
}
