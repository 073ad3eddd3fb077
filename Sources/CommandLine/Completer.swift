/// What could stand at the end of an unfinished command line. Pure: names of instances are asked for by `wants`.
public struct Completion: Sendable, Equatable {
    public struct Item: Sendable, Equatable {
        public var text: String
        public var note: String
        public init(_ text: String, _ note: String = "") {
            self.text = text
            self.note = note
        }
    }
    /// What only the caller or the shell knows.
    public enum Wanted: Sendable, Equatable { case nothing, instances, files, commandLine }

    /// Those that begin with what was typed.
    public var items: [Item]
    public var wants: Wanted
    /// What was typed of the word's last part, by which the wanted names are to be filtered.
    public var typed: String
    /// Stands before each: `--pg=`, or the names before the last comma.
    public var prefix: String

    /// The names that fit, with the prefix.
    public func fitting(_ candidates: [Item]) -> [Item] {
        candidates.filter { $0.text.hasPrefix(typed) }.map { Item(prefix + $0.text, $0.note) }
    }
}

public enum Completer {
    /// - Parameter words: after the program's name; the last is the one being typed, perhaps empty.
    public static func complete(_ words: [String], root: Command) -> Completion {
        guard let typed = words.last else { return Completion(items: [], wants: .nothing, typed: "", prefix: "") }
        var path = [root]
        var given: Set<String> = []
        var positionals = 0
        var pending: Option?
        for word in words.dropLast() {
            if pending != nil {
                pending = nil
            } else if word == "--" {
                return Completion(items: [], wants: .commandLine, typed: typed, prefix: "")
            } else if word.hasPrefix("--") {
                let name = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if let option = find(path, { $0.name == String(name.first ?? "") }) {
                    given.insert(option.name)
                    if option.value != nil, name.count == 1 { pending = option }
                }
            } else if word.hasPrefix("-"), word.utf8.count > 1 {
                pending = short(word, path, &given)
            } else if positionals == 0, let next = path[path.count - 1].subcommand(word) {
                path.append(next)
            } else {
                positionals += 1
            }
        }
        if let value = pending?.value { return self.value(value, typed, prefix: "") }
        if typed.hasPrefix("--"), let equals = typed.firstIndex(of: "=") {
            let name = typed[typed.index(typed.startIndex, offsetBy: 2)..<equals]
            guard let value = find(path, { $0.name == String(name) })?.value else { return fixed([], typed) }
            return self.value(value, String(typed[typed.index(after: equals)...]), prefix: "--\(name)=")
        }
        if typed.hasPrefix("-") { return fixed(options(path, given), typed) }
        return word(path, typed, positionals)
    }

    private static func word(_ path: [Command], _ typed: String, _ positionals: Int) -> Completion {
        let command = path[path.count - 1]
        var commands: [Completion.Item] = []
        if positionals == 0 { commands = command.subcommands.filter { !$0.hidden }.map { .init($0.name, $0.abstract) } }
        let plain = command.positionals.filter { if case .trailing = $0.arity { false } else { true } }
        guard let last = plain.last, positionals < plain.count || last.arity == .many else { return fixed(commands, typed) }
        var result = value(plain[min(positionals, plain.count - 1)].value, typed, prefix: "")
        result.items = fixed(commands, typed).items + result.items
        return result
    }

    private static func short(_ word: String, _ path: [Command], _ given: inout Set<String>) -> Option? {
        let letters = word.dropFirst()
        for (offset, letter) in letters.enumerated() {
            guard let option = find(path, { $0.short == letter }) else { return nil }
            given.insert(option.name)
            if option.value != nil { return offset == letters.count - 1 ? option : nil }
        }
        return nil
    }

    private static func value(_ value: Value, _ typed: String, prefix: String) -> Completion {
        switch value.kind {
        case .text, .integer, .pair: return Completion(items: [], wants: .nothing, typed: typed, prefix: prefix)
        case .choice(let choices), .suggestion(let choices):
            return Completion(
                items: choices.filter { $0.hasPrefix(typed) }.map { .init(prefix + $0) }, wants: .nothing, typed: typed, prefix: prefix)
        case .path: return Completion(items: [], wants: .files, typed: typed, prefix: prefix)
        case .instance: return Completion(items: [], wants: .instances, typed: typed, prefix: prefix)
        case .instances:
            guard let comma = typed.lastIndex(of: ",") else {
                return Completion(items: [], wants: .instances, typed: typed, prefix: prefix)
            }
            return Completion(
                items: [], wants: .instances, typed: String(typed[typed.index(after: comma)...]), prefix: prefix + typed[...comma])
        }
    }

    private static func options(_ path: [Command], _ given: Set<String>) -> [Completion.Item] {
        path.reversed().flatMap(\.options).filter { !$0.hidden && ($0.repeats || !given.contains($0.name)) }
            .map { .init("--" + $0.name, $0.abstract) }
    }

    private static func fixed(_ items: [Completion.Item], _ typed: String) -> Completion {
        Completion(items: items.filter { $0.text.hasPrefix(typed) }, wants: .nothing, typed: typed, prefix: "")
    }

    private static func find(_ path: [Command], _ matches: (Option) -> Bool) -> Option? {
        for command in path.reversed() {
            if let option = command.options.first(where: matches) { return option }
        }
        return nil
    }
}
