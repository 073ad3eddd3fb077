internal import Basics
internal import CommandLine

/// `dev help`, and the hidden `dev __man` by which `make install` makes the man pages.
enum HelpCommand {
    static let description = Command(
        "help", abstract: "Explain a command", examples: [Example("dev help daemon stop", "The same as dev daemon stop --help")],
        positionals: [Positional(Value("COMMAND"), .many, abstract: "The command; all when left out")])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let words = invocation.arguments("COMMAND")
        do {
            context.out(Program.help(context).text(try Parser.parse(words + ["--help"], root: Program.root).path))
        } catch {
            throw DevError(.usage, error.message, object: error.argument ?? "dev", help: error.help)
        }
        return 0
    }
}

enum ManCommand {
    /// Of the newest change to the description.
    static let date = "November 21, 2026"

    static let description = Command(
        "__man", abstract: "Write the man pages",
        positionals: [Positional(Value("FOLDER", .path), .optional, abstract: "Where to; without it dev(1) is printed")], hidden: true)

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let pages = ManPage.all(Program.root, date: date)
        guard let folder = invocation.argument("FOLDER") else {
            context.out(pages.first?.text ?? "")
            return 0
        }
        let directory = folder.hasPrefix("/") ? folder : context.directory + "/" + folder
        for page in pages { try WholeFile.write(Array(page.text.utf8), to: directory + "/" + page.file, newMode: 0o644) }
        return 0
    }
}
