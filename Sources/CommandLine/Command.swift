/// One command as a value: the single description from which parser, help, completions and man pages are made.
/// A tree: the root is the program. `Declaration.problems(in:)` says what is wrong with one.
public struct Command: Sendable, Equatable {
    public var name: String
    public var aliases: [String]
    /// One line without a final period.
    public var abstract: String
    /// Paragraphs of help and man page.
    public var discussion: [String]
    public var examples: [Example]
    /// An option of a command holds for its subcommands too.
    public var options: [Option]
    public var positionals: [Positional]
    public var subcommands: [Command]
    /// Sets of long option names of which at most one may be given.
    public var exclusive: [[String]]
    /// Works, but neither help nor completions show it.
    public var hidden: Bool
    public var exitStatuses: [ExitStatus]

    public init(
        _ name: String, aliases: [String] = [], abstract: String, discussion: [String] = [], examples: [Example] = [],
        options: [Option] = [], positionals: [Positional] = [], subcommands: [Command] = [], exclusive: [[String]] = [],
        hidden: Bool = false, exitStatuses: [ExitStatus] = []
    ) {
        self.name = name
        self.aliases = aliases
        self.abstract = abstract
        self.discussion = discussion
        self.examples = examples
        self.options = options
        self.positionals = positionals
        self.subcommands = subcommands
        self.exclusive = exclusive
        self.hidden = hidden
        self.exitStatuses = exitStatuses
    }

    /// By name or alias.
    public func subcommand(_ name: String) -> Command? {
        subcommands.first { $0.name == name || $0.aliases.contains(name) }
    }
}

public struct Example: Sendable, Equatable {
    public var line: String
    /// What it does; without a final period.
    public var text: String
    public init(_ line: String, _ text: String) {
        self.line = line
        self.text = text
    }
}

public struct ExitStatus: Sendable, Equatable {
    public var status: Int
    public var text: String
    public init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }
}

/// `--name VALUE`, or a flag when it has no value.
public struct Option: Sendable, Equatable {
    /// The long name, without dashes; also the key under which an `Invocation` has it.
    public var name: String
    public var short: Character?
    public var value: Value?
    /// One line without a final period.
    public var abstract: String
    /// Shown by help: the text of the value that holds when the option is absent.
    public var defaultText: String?
    /// May be given more than once; else a second time is an error.
    public var repeats: Bool
    public var hidden: Bool

    public init(
        _ name: String, short: Character? = nil, value: Value? = nil, abstract: String, defaultText: String? = nil, repeats: Bool = false,
        hidden: Bool = false
    ) {
        self.name = name
        self.short = short
        self.value = value
        self.abstract = abstract
        self.defaultText = defaultText
        self.repeats = repeats
        self.hidden = hidden
    }
}

/// What a value may be: checked by the parser, used by the completions.
public struct Value: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case text
        /// Any text; these are what one would mostly write.
        case suggestion([String])
        case integer(ClosedRange<Int>)
        case choice([String])
        case path
        /// A name of an instance.
        case instance
        /// Names or globs, separated by commas.
        case instances
        /// `KEY=VALUE` with a key that is not empty.
        case pair
    }
    /// In capitals: `NAME`.
    public var placeholder: String
    public var kind: Kind

    public init(_ placeholder: String, _ kind: Kind = .text) {
        self.placeholder = placeholder
        self.kind = kind
    }

    /// nil when `text` is such a value, else what it must be: "a number from 0 to 65535".
    func refusal(of text: String) -> String? {
        switch kind {
        case .text, .suggestion: nil
        case .path: text.isEmpty ? "a path" : nil
        case .instance, .instances: text.isEmpty ? "a name" : nil
        case .integer(let range):
            if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number) {
                nil
            } else if range.upperBound == Int.max {
                "a number from \(range.lowerBound)"
            } else {
                "a number from \(range.lowerBound) to \(range.upperBound)"
            }
        case .choice(let choices): choices.contains(text) ? nil : "one of " + choices.joined(separator: ", ")
        case .pair:
            text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).count == 2 && !text.hasPrefix("=")
                ? nil : placeholder
        }
    }
}

public struct Positional: Sendable, Equatable {
    public enum Arity: Sendable, Equatable {
        case one, optional
        /// Any number, none included.
        case many
        /// Everything after `--`.
        case trailing(required: Bool)
    }
    public var value: Value
    public var arity: Arity
    public var abstract: String

    public init(_ value: Value, _ arity: Arity, abstract: String) {
        self.value = value
        self.arity = arity
        self.abstract = abstract
    }

    /// The key under which an `Invocation` has it.
    public var name: String { value.placeholder }

    /// As usage lines show it.
    var form: String {
        switch arity {
        case .one: name
        case .optional: "[\(name)]"
        case .many: "[\(name)...]"
        case .trailing(required: true): "-- \(name)..."
        case .trailing(required: false): "[-- \(name)...]"
        }
    }
}
