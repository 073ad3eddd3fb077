internal import Basics
internal import DevAPI

/// `devd`'s command line: it is started by `dev`, or by a service unit.
struct DaemonOptions: Equatable {
    enum Action: Equatable { case run, version, help }
    var action = Action.run
    var home: String?
    var foreground = false
    var replaces = false

    static let usage = """
        usage: devd [--home FOLDER] [--foreground] [--replace] [--version] [--help]

        The daemon of devdb; dev starts it when it is needed.

          --home FOLDER  where its state is (default: DEVDB_HOME, else the user's data folder)
          --foreground   log to stderr too
          --replace      take the place of the one that runs, if one does
          --version      print the version
          --help         print this

        """

    /// - Parameter arguments: without the program's name.
    init(_ arguments: [String]) throws(DevError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--foreground": foreground = true
            case ControlProtocol.replace: replaces = true
            case "--version": action = .version
            case "--help", "-h": action = .help
            case "--home":
                guard let value = rest.popFirst(), !value.isEmpty else { throw Self.wrong("--home wants a folder", argument) }
                home = value
            default:
                guard argument.hasPrefix("--home="), argument.utf8.count > "--home=".utf8.count else {
                    throw Self.wrong("devd knows no \(argument.prefix(80))", String(argument.prefix(80)))
                }
                home = String(argument.dropFirst("--home=".count))
            }
        }
    }

    private static func wrong(_ message: String, _ object: String) -> DevError {
        DevError(.usage, message, object: object, help: "Run devd --help")
    }
}
