internal import Basics
internal import CommandLine
internal import DevAPI

/// The program `dev`: from arguments to an exit status.
public enum Program {
    /// - Parameter arguments: without the program's name.
    public static func run(_ arguments: [String], in context: Context) -> Int32 {
        var context = context
        // Behind -- stands a command, whose affair it is.
        if let index = arguments.prefix(while: { $0 != "--" }).firstIndex(where: { !SystemText.isUTF8($0) }) {
            return fail(
                DevError(
                    .usage, "Argument \(index + 1) is not UTF-8", object: SystemText.shown(arguments[index]), help: "Write it in UTF-8"),
                json: wantsJSON(arguments), context)
        }
        let invocation: Invocation
        do {
            invocation = try Parser.parse(arguments, root: root)
        } catch {
            return fail(error, arguments, context)
        }
        context.debug = invocation.flag("debug")
        if context.debug { context.client.starter?.logMore() }
        if invocation.flag("help") {
            context.out(help(context).text(invocation.path))
            return 0
        }
        if invocation.flag("version") { return VersionCommand.print(context) }
        if invocation.path.count == 1 {
            context.out(help(context).text(invocation.path))
            return 0
        }
        guard let verb = verb(invocation) else {
            let title = invocation.path.map(\.name).joined(separator: " ")
            let names = invocation.command.subcommands.map(\.name).joined(separator: ", ")
            return fail(
                DevError(.usage, "\(title) needs a command", object: title, help: "One of: \(names)"), json: invocation.flag("json"),
                context)
        }
        do {
            return try verb(invocation, context)
        } catch {
            return fail(error, json: invocation.flag("json"), context)
        }
    }

    static func help(_ context: Context) -> Help { Help(width: context.terminal.columns, colours: context.coloursOutput) }

    /// Of a command line that could not be understood.
    private static func wantsJSON(_ arguments: [String]) -> Bool { arguments.prefix { $0 != "--" }.contains("--json") }

    private static func fail(_ error: UsageError, _ arguments: [String], _ context: Context) -> Int32 {
        let wantsJSON = wantsJSON(arguments)
        let title = error.path.joined(separator: " ")
        let status = fail(
            DevError(.usage, error.message, object: error.argument ?? title, help: error.help), json: wantsJSON, context)
        if !wantsJSON, let index = error.index, context.terminal.isError {
            context.err(pointer(arguments, index))
        }
        return status
    }

    /// The line that was typed, and where in it the trouble is.
    static func pointer(_ arguments: [String], _ index: Int) -> String {
        let words = arguments.map(Quoting.shellIfNeeded)
        let column = ("  dev " + words[..<index].map { $0 + " " }.joined()).count
        let line = "  dev " + words.joined(separator: " ")
        guard !line.contains("\n") else { return "" }
        return line + "\n" + String(repeating: " ", count: column) + String(repeating: "^", count: max(words[index].count, 1)) + "\n"
    }

    private struct Wrapped: Encodable { var error: DevError }

    static func fail(_ error: DevError, json: Bool, _ context: Context) -> Int32 {
        if json, let text = try? JSONText.compact(Wrapped(error: error)) {
            context.err(text + "\n")
        } else {
            let text = error.description
            let label = "error[\(error.code.rawValue)]"
            context.err((context.coloursError ? "\u{1b}[1;31m\(label)\u{1b}[0m" + text.dropFirst(label.count) : text) + "\n")
        }
        return error.code.exitStatus
    }
}
