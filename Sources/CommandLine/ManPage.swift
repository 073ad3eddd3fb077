/// Man pages in mdoc(7), made from the description: one for the program, one a command.
public struct ManPage: Sendable, Equatable {
    /// `dev-daemon-stop.1`
    public var file: String
    public var text: String

    /// - Parameter date: as `.Dd` wants it: `November 21, 2026`.
    public static func all(_ root: Command, date: String) -> [ManPage] {
        pages([root], date: date)
    }

    private static func pages(_ path: [Command], date: String) -> [ManPage] {
        guard let command = path.last, !command.hidden else { return [] }
        let page = ManPage(file: path.map(\.name).joined(separator: "-") + ".1", text: text(path, date: date))
        return [page] + command.subcommands.flatMap { pages(path + [$0], date: date) }
    }

    private static func text(_ path: [Command], date: String) -> String {
        guard let command = path.last else { return "" }
        let name = path.map(\.name).joined(separator: "-")
        var lines = [".Dd \(date)", ".Dt \(name.uppercased()) 1", ".Os", ".Sh NAME", ".Nm \(name)", ".Nd \(escaped(command.abstract))"]
        lines.append(".Sh SYNOPSIS")
        lines += synopsis(path)
        lines.append(".Sh DESCRIPTION")
        lines.append(escaped(command.abstract + "."))
        for paragraph in command.discussion { lines += [".Pp", escaped(paragraph)] }
        let commands = command.subcommands.filter { !$0.hidden }
        if !commands.isEmpty {
            lines += list("The commands are:", commands.map { (".It Cm \($0.name)", escaped($0.abstract + ".")) })
        }
        if !command.positionals.isEmpty {
            let items = command.positionals.map { (".It Ar \($0.name)", escaped($0.abstract + Help.choices($0.value) + ".")) }
            lines += list("The arguments are:", items)
        }
        let options = path.reversed().flatMap(\.options).filter { !$0.hidden }
        if !options.isEmpty { lines += list("The options are:", options.map { (item($0), sentence($0)) }) }
        let statuses = command.exitStatuses.isEmpty ? path.first?.exitStatuses ?? [] : command.exitStatuses
        if !statuses.isEmpty {
            lines.append(".Sh EXIT STATUS")
            lines += list(nil, statuses.map { (".It \($0.status)", escaped($0.text) + ".") })
        }
        if !command.examples.isEmpty {
            lines.append(".Sh EXAMPLES")
            for (index, example) in command.examples.enumerated() {
                lines += (index == 0 ? [] : [".Pp"]) + [escaped(example.text + ":"), ".Dl " + literal(example.line)]
            }
        }
        let others = path.dropLast().indices.map { path[...$0].map(\.name).joined(separator: "-") }
        let related = others + commands.map { name + "-" + $0.name }
        if !related.isEmpty {
            lines.append(".Sh SEE ALSO")
            let sorted = related.sorted()
            lines += sorted.enumerated().map { ".Xr \($0.element) 1" + ($0.offset < sorted.count - 1 ? " ," : "") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func synopsis(_ path: [Command]) -> [String] {
        guard let command = path.last, let root = path.first else { return [] }
        let words = path.dropFirst().map { " Cm \($0.name)" }.joined()
        var lines: [String] = []
        if command.subcommands.isEmpty || !command.positionals.isEmpty {
            lines += [".Nm \(root.name)\(words)", ".Op Ar options"]
            for positional in command.positionals {
                switch positional.arity {
                case .one: lines.append(".Ar \(positional.name)")
                case .optional: lines.append(".Op Ar \(positional.name)")
                case .many: lines.append(".Op Ar \(positional.name) ...")
                case .trailing(required: true): lines.append(".Fl \\&- Ar \(positional.name) ...")
                case .trailing(required: false): lines.append(".Op Fl \\&- Ar \(positional.name) ...")
                }
            }
        }
        if !command.subcommands.isEmpty { lines += [".Nm \(root.name)\(words)", ".Ar command", ".Op Ar options"] }
        return lines
    }

    private static func list(_ title: String?, _ items: [(item: String, text: String)]) -> [String] {
        let head = title.map { [".Pp", $0] } ?? []
        return head + [".Bl -tag -width Ds"] + items.flatMap { [$0.item, $0.text] } + [".El"]
    }

    private static func item(_ option: Option) -> String {
        let value = option.value.map { " Ar \($0.placeholder)" } ?? ""
        let short = option.short.map { "Fl \($0)\(value) , " } ?? ""
        return ".It \(short)Fl -\(option.name)\(value)"
    }

    private static func sentence(_ option: Option) -> String {
        var text = option.abstract
        if let value = option.value { text += Help.choices(value) }
        text += "."
        if let defaultText = option.defaultText { text += " The default is \(defaultText)." }
        return escaped(text)
    }

    /// Text as roff wants it: a sentence begins a line, lines are short, and nothing is taken for a request or an escape.
    private static func escaped(_ text: String) -> String {
        var sentences: [[Substring]] = [[]]
        for word in text.split(separator: " ") {
            sentences[sentences.count - 1].append(word)
            if word.hasSuffix(".") || word.hasSuffix(":") && word.count > 1 { sentences.append([]) }
        }
        let lines = sentences.filter { !$0.isEmpty }.flatMap {
            Text.wrap($0.joined(separator: " "), width: 78).split(separator: "\n")
        }
        return lines.map(literal).joined(separator: "\n")
    }

    /// One line; spaces in it stay.
    private static func literal(_ line: some StringProtocol) -> String {
        var result = ""
        for character in line { result += character == "\\" ? "\\e" : String(character) }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}
