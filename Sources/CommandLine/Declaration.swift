/// Checks of a description itself; one test runs them over the program's.
public enum Declaration {
    /// What is wrong, one line each, with the command's path.
    public static func problems(in root: Command) -> [String] {
        problems(in: root, path: [], inherited: [])
    }

    private static func problems(in command: Command, path: [Command], inherited: [Option]) -> [String] {
        let title = (path + [command]).map(\.name).joined(separator: " ")
        var result: [String] = []
        func complain(_ text: String) { result.append("\(title): \(text)") }

        if command.abstract.isEmpty || command.abstract.hasSuffix(".") { complain("abstract is empty or ends with a period") }
        if !command.hidden, !path.isEmpty, command.subcommands.isEmpty, command.examples.isEmpty { complain("has no example") }
        for example in command.examples where !example.line.contains(path.first?.name ?? command.name) {
            complain("example \"\(example.line)\" does not name the program")
        }
        let options = inherited + command.options
        complainOfRepeats(in: options.map(\.name), "option", complain)
        complainOfRepeats(in: options.compactMap { $0.short.map(String.init) }, "short option", complain)
        complainOfRepeats(in: command.positionals.map(\.name), "positional", complain)
        complainOfRepeats(in: command.subcommands.flatMap { [$0.name] + $0.aliases }, "command", complain)
        for option in command.options {
            if !isName(option.name) { complain("option --\(option.name) is not in lower case letters, digits and dashes") }
            if option.abstract.isEmpty || option.abstract.hasSuffix(".") {
                complain("--\(option.name): abstract is empty or ends with a period")
            }
            if let value = option.value, value.placeholder != value.placeholder.uppercased() { complain("--\(option.name): placeholder") }
            if let short = option.short, !short.isASCII || !short.isLetter { complain("-\(short) is not a letter") }
            if let text = option.defaultText, let value = option.value, case .choice = value.kind, value.refusal(of: text) != nil {
                complain("--\(option.name): default \(text) is not a choice")
            }
        }
        for name in command.exclusive.joined() where !options.contains(where: { $0.name == name }) {
            complain("exclusive names --\(name), which does not exist")
        }
        if !path.isEmpty, !isName(command.name.filter { $0 != "_" }) { complain("name is not in lower case") }
        var open = true
        for positional in command.positionals {
            switch positional.arity {
            case .one: if !open { complain("\(positional.name) can't be reached") }
            case .optional, .many:
                if !open { complain("\(positional.name) can't be reached") }
                open = false
            case .trailing: if positional != command.positionals.last { complain("\(positional.name) is not the last") }
            }
        }
        for subcommand in command.subcommands {
            result += problems(in: subcommand, path: path + [command], inherited: options)
        }
        return result
    }

    private static func complainOfRepeats(in names: [String], _ kind: String, _ complain: (String) -> Void) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted { complain("\(kind) \(name) is declared twice") }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
            && text.first != "-"
    }
}
