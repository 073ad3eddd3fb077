/// Reads arguments by the description: `--opt=value`, `--opt value`, `-n value`, `-nvalue`, bundled short flags, `--`.
/// Options and positionals may be mixed; what is unknown is refused with the nearest that exists. No abbreviations:
/// a script that uses one would break by the next option added.
public struct Parser: Sendable {
    private let arguments: [String]
    private var path: [Command]
    private var options: [String: [String]] = [:]
    private var plain: [(index: Int, text: String)] = []
    private var trailing: [String]?
    private var index = 0

    /// - Parameter arguments: without the program's name.
    public static func parse(_ arguments: [String], root: Command) throws(UsageError) -> Invocation {
        var parser = Parser(arguments: arguments, root: root)
        return try parser.run()
    }

    private init(arguments: [String], root: Command) {
        self.arguments = arguments
        path = [root]
    }

    private var command: Command { path[path.count - 1] }
    private var title: String { path.map(\.name).joined(separator: " ") }

    private mutating func run() throws(UsageError) -> Invocation {
        while index < arguments.count {
            let argument = arguments[index]
            if argument == "--" {
                trailing = Array(arguments[(index + 1)...])
                break
            } else if argument.hasPrefix("--") {
                try long(argument)
            } else if argument.hasPrefix("-"), argument.utf8.count > 1 {
                try short(argument)
            } else {
                try word(argument)
            }
            index += 1
        }
        let positionals = try assign()
        try checkExclusive()
        return Invocation(path: path, options: options, positionals: positionals)
    }

    // MARK: Words

    private mutating func word(_ argument: String) throws(UsageError) {
        // A subcommand is looked for only before the first positional of its parent.
        if plain.isEmpty, let next = command.subcommand(argument) {
            path.append(next)
        } else if command.positionals.isEmpty, !command.subcommands.isEmpty {
            throw unknownCommand(argument)
        } else {
            plain.append((index, argument))
        }
    }

    private func unknownCommand(_ argument: String) -> UsageError {
        let names = command.subcommands.filter { !$0.hidden }.flatMap { [$0.name] + $0.aliases }
        let nearest = Nearest.to(argument, among: names)
        return error(
            "\(title) has no command \"\(argument)\"",
            help: nearest.map { "The nearest is \(title) \($0)" } ?? "Run \(title) --help for the list")
    }

    // MARK: Options

    private func option(where matches: (Option) -> Bool) -> Option? {
        for command in path.reversed() {
            if let found = command.options.first(where: matches) { return found }
        }
        return nil
    }

    private mutating func long(_ argument: String) throws(UsageError) {
        let body = argument.dropFirst(2)
        let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        guard let found = option(where: { $0.name == name }) else { throw unknownOption("--" + name) }
        let attached = parts.count == 2 ? String(parts[1]) : nil
        guard let value = found.value else {
            if attached != nil { throw error("--\(name) takes no value", help: "Write --\(name)") }
            return try add(found, "")
        }
        if let attached {
            try add(found, attached, value)
        } else {
            try add(found, following(of: "--" + name, value, joined: "--\(name)="), value)
        }
    }

    private mutating func short(_ argument: String) throws(UsageError) {
        var rest = argument.dropFirst()
        while let letter = rest.popFirst() {
            guard let found = option(where: { $0.short == letter }) else { throw unknownOption("-" + String(letter)) }
            guard let value = found.value else {
                try add(found, "")
                continue
            }
            if rest.isEmpty {
                try add(found, following(of: "-" + String(letter), value, joined: "-\(letter)"), value)
            } else {
                // `-n=value` is a habit from other parsers; no value of ours begins with an equals sign.
                try add(found, String(rest.first == "=" ? rest.dropFirst() : rest), value)
            }
            return
        }
    }

    /// The next argument as the value of the option just read.
    private mutating func following(of option: String, _ value: Value, joined: String) throws(UsageError) -> String {
        guard index + 1 < arguments.count, arguments[index + 1] != "--" else {
            throw error("\(option) needs a value", help: "Write \(option) \(value.placeholder)")
        }
        let next = arguments[index + 1]
        // What a number is in the wrong range for is told by its own error.
        let isNumber = next.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
        if next.hasPrefix("-"), next.utf8.count > 1, !(isNumber && value.refusal(of: next) != nil) {
            throw error(
                "\(option) needs a value, and \"\(next)\" looks like an option", help: "Write \(joined)\(next) if it is the value")
        }
        index += 1
        return next
    }

    private mutating func add(_ option: Option, _ text: String, _ value: Value? = nil) throws(UsageError) {
        if let value, let wanted = value.refusal(of: text) {
            throw error("\"\(text)\" can't be the value of --\(option.name)", help: "Give \(wanted)")
        }
        if !option.repeats, option.value != nil, options[option.name] != nil {
            throw error("--\(option.name) was given twice", help: "Give it once")
        }
        options[option.name, default: []].append(text)
    }

    private var takesTrailing: Bool { command.positionals.contains { if case .trailing = $0.arity { true } else { false } } }

    private func unknownOption(_ argument: String) -> UsageError {
        let known = path.flatMap(\.options).filter { !$0.hidden }
        let otherwise =
            takesTrailing
            ? "Put -- before what is not for \(title) itself: \(title) … -- \(argument)" : "Run \(title) --help for the list"
        let help: String
        if argument.hasPrefix("--") {
            let nearest = Nearest.to(String(argument.dropFirst(2)), among: known.map(\.name))
            // `prisma dev --name x` has no subcommand; ours has.
            let owner = command.subcommands.first { $0.options.contains { "--" + $0.name == argument } }
            if let owner {
                help = "\(title) \(owner.name) has it"
            } else {
                help = nearest.map { "The nearest is --\($0)" } ?? otherwise
            }
        } else {
            let owner = command.subcommands.first { $0.options.contains { $0.short.map { "-" + String($0) } == argument } }
            help = owner.map { "\(title) \($0.name) has it" } ?? otherwise
        }
        return error("\(title) has no option \(argument)", help: help)
    }

    // MARK: At the end

    private mutating func assign() throws(UsageError) -> [String: [String]] {
        var result: [String: [String]] = [:]
        var rest = plain[...]
        if let trailing, !takesTrailing {
            let first = arguments.count - trailing.count
            rest += trailing.enumerated().map { (first + $0.offset, $0.element) }
        }
        // Whoever asks for help has not finished the line.
        let wantsHelp = options["help"] != nil
        for positional in command.positionals {
            switch positional.arity {
            case .one, .optional:
                if let next = rest.popFirst() {
                    try check(positional, next)
                    result[positional.name] = [next.text]
                } else if positional.arity == .one, !wantsHelp {
                    throw missing(positional.name, "Run \(usage)")
                }
            case .many:
                for next in rest { try check(positional, next) }
                result[positional.name] = rest.map(\.text)
                rest = []
            case .trailing(let required):
                if let trailing, !trailing.isEmpty {
                    result[positional.name] = trailing
                } else if required, rest.isEmpty, !wantsHelp {
                    throw missing(positional.name, "Put it after --: \(usage)")
                }
            }
        }
        if let extra = rest.first {
            throw UsageError(
                message: "\(title) can't take \"\(extra.text)\"", argument: extra.text, index: extra.index,
                help: takesTrailing ? "Put -- before the command: \(usage)" : "Usage: \(usage)", path: path.map(\.name))
        }
        return result
    }

    private var usage: String { ([title] + command.positionals.map(\.form)).joined(separator: " ") }

    private func check(_ positional: Positional, _ given: (index: Int, text: String)) throws(UsageError) {
        guard let wanted = positional.value.refusal(of: given.text) else { return }
        throw UsageError(
            message: "\"\(given.text)\" can't be \(positional.name)", argument: given.text, index: given.index, help: "Give \(wanted)",
            path: path.map(\.name))
    }

    private func checkExclusive() throws(UsageError) {
        for group in path.flatMap(\.exclusive) {
            let given = group.filter { options[$0] != nil }
            guard given.count < 2 else {
                throw UsageError(
                    message: "--\(given[0]) and --\(given[1]) exclude each other", argument: nil, index: nil, help: "Give one of them",
                    path: path.map(\.name))
            }
        }
    }

    private func missing(_ name: String, _ help: String) -> UsageError {
        UsageError(message: "\(title) needs \(name)", argument: nil, index: nil, help: help, path: path.map(\.name))
    }

    private func error(_ message: String, help: String) -> UsageError {
        UsageError(
            message: message, argument: index < arguments.count ? arguments[index] : nil, index: index, help: help, path: path.map(\.name))
    }
}
