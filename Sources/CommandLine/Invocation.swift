/// A command line that was understood: which command, and what was given to it. Every value is of its kind.
public struct Invocation: Sendable, Equatable {
    /// The commands from the root to the one meant.
    public let path: [Command]
    let options: [String: [String]]
    let positionals: [String: [String]]

    public var command: Command { path[path.count - 1] }
    /// Names below the root: `daemon stop`.
    public var name: String { path.dropFirst().map(\.name).joined(separator: " ") }

    public func flag(_ option: String) -> Bool { options[option] != nil }
    public func value(_ option: String) -> String? { options[option]?.last }
    public func values(_ option: String) -> [String] { options[option] ?? [] }
    public func integer(_ option: String) -> Int? { value(option).flatMap { Int($0) } }
    public func argument(_ positional: String) -> String? { positionals[positional]?.first }
    public func arguments(_ positional: String) -> [String] { positionals[positional] ?? [] }
}

/// A command line that was not understood.
public struct UsageError: Error, Sendable, Equatable {
    /// A sentence without a final period.
    public var message: String
    /// The offending argument and its index; nil when something is missing.
    public var argument: String?
    public var index: Int?
    /// What to do, without a final period.
    public var help: String
    /// Names from the root to the command that was being read.
    public var path: [String]
}
