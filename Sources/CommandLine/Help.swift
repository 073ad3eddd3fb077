/// Help text, made from the description.
public struct Help: Sendable {
    /// Columns to wrap at.
    public var width: Int
    /// Bold headings and names, by ANSI sequences.
    public var colours: Bool

    public init(width: Int = 80, colours: Bool = false) {
        // Wider lines are hard to read; narrower than 40 nothing would fit beside the option names.
        self.width = min(max(width, 40), 100)
        self.colours = colours
    }

    /// - Parameter path: the commands from the root to the one to explain; not empty.
    public func text(_ path: [Command]) -> String {
        guard let command = path.last else { return "" }
        let title = path.map(\.name).joined(separator: " ")
        var parts: [String] = [command.abstract + "."]
        parts.append(heading("Usage:") + Help.usage(path).map { "\n  " + $0 }.joined())
        parts += command.discussion.map { Text.wrap($0, width: width) }
        let commands = command.subcommands.filter { !$0.hidden }.map { subcommand in
            Row(([subcommand.name] + subcommand.aliases).joined(separator: ", "), subcommand.abstract)
        }
        parts += section("Commands:", commands)
        parts += section("Arguments:", command.positionals.map { Row($0.name, $0.abstract + Help.choices($0.value)) })
        parts += section("Options:", command.options.filter { !$0.hidden }.map(row))
        let inherited = path.dropLast().flatMap(\.options).filter { !$0.hidden }
        parts += section(inherited.isEmpty || command.options.isEmpty ? "Options:" : "Options everywhere:", inherited.map(row))
        if !command.examples.isEmpty {
            parts.append(
                heading("Examples:")
                    + command.examples.map { "\n  " + bold($0.line) + "\n" + Text.wrap($0.text, width: width, indent: 6) }.joined())
        }
        parts += section("Exit status:", command.exitStatuses.map { Row(String($0.status), $0.text) })
        if !commands.isEmpty { parts.append("Run \(title) COMMAND --help for one command.") }
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// `dev up [NAME] [options]`; one line for each way to call it.
    static func usage(_ path: [Command]) -> [String] {
        guard let command = path.last else { return [] }
        let title = path.map(\.name).joined(separator: " ")
        var lines: [String] = []
        if command.subcommands.isEmpty || !command.positionals.isEmpty {
            // Options stand before what comes after `--`.
            let last = command.positionals.filter { if case .trailing = $0.arity { true } else { false } }
            let first = command.positionals.filter { !last.contains($0) }
            lines.append(([title] + first.map(\.form) + ["[options]"] + last.map(\.form)).joined(separator: " "))
        }
        if !command.subcommands.isEmpty { lines.append(title + " COMMAND [options]") }
        return lines
    }

    private struct Row {
        var name: String
        var text: String
        init(_ name: String, _ text: String) {
            self.name = name
            self.text = text
        }
    }

    private func row(_ option: Option) -> Row {
        var text = option.abstract
        if let value = option.value { text += Help.choices(value) }
        if let defaultText = option.defaultText { text += " (default: \(defaultText))" }
        return Row(Help.form(option), text)
    }

    static func form(_ option: Option) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return short + "--" + option.name + (option.value.map { " " + $0.placeholder } ?? "")
    }

    static func choices(_ value: Value) -> String {
        if case .choice(let choices) = value.kind { ": " + choices.joined(separator: ", ") } else { "" }
    }

    private func section(_ title: String, _ rows: [Row]) -> [String] {
        guard !rows.isEmpty else { return [] }
        // One very long name does not push all texts to the right: its text begins on the next line.
        let column = min(rows.map(\.name.count).max() ?? 0, 28)
        let lines = rows.map { row in
            let text = Text.wrap(row.text, width: width, indent: column + 4)
            let name = "  " + bold(row.name)
            if row.name.count > column { return name + "\n" + text }
            return name + String(repeating: " ", count: column - row.name.count + 2) + text.drop { $0 == " " }
        }
        return [heading(title) + "\n" + lines.joined(separator: "\n")]
    }

    private func heading(_ text: String) -> String { bold(text) }
    private func bold(_ text: String) -> String { colours ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
}

enum Text {
    /// Breaks at spaces; every line begins with `indent` spaces.
    static func wrap(_ text: String, width: Int, indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent)
        let room = max(width - indent, 20)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > room {
                lines.append(margin + line)
                line = String(word)
            } else {
                line += (line.isEmpty ? "" : " ") + word
            }
        }
        lines.append(margin + line)
        return lines.joined(separator: "\n")
    }
}
