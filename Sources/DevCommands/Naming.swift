internal import Basics
internal import CommandLine
internal import DevAPI

/// How commands say which instance they mean.
enum Naming {
    static let nameOption = Option(
        "name", short: "n", value: Value("NAME", .instance), abstract: "The instance; the same as the argument NAME")
    static let one = Positional(Value("NAME", .instance), .optional, abstract: "The instance; the project's when it is left out")
    static let several = Positional(
        Value("NAMES", .instances), .many, abstract: "Names or patterns, separated by spaces or commas; the project's when left out")
    static let json = Option("json", abstract: "Print JSON (docs/json.md)")

    /// The one name of a command line, checked; empty for the project's.
    static func name(_ invocation: Invocation) throws(DevError) -> [String] {
        let option = invocation.value("name")
        let argument = invocation.argument("NAME")
        if let option, let argument, option != argument {
            throw DevError(.usage, "Two names were given", object: argument, cause: "\(argument) and \(option)", help: "Give one of them")
        }
        guard let text = argument ?? option else { return [] }
        return [try InstanceName(text).text]
    }

    static func patterns(_ invocation: Invocation) -> [String] {
        invocation.arguments("NAMES").flatMap { $0.split(separator: ",") }.map { $0.trimmed }.filter { !$0.isEmpty }
    }
}

extension Context {
    /// - Throws: `usage` in a folder that the daemon can't be told of: its project would be overlooked.
    func selection(_ patterns: [String]) throws(DevError) -> Selection {
        guard SystemText.isUTF8(directory) else {
            throw DevError(
                .usage, "The path of this folder is not UTF-8", object: SystemText.shown(directory),
                help: "Go to another folder, or rename this one")
        }
        return Selection(patterns: patterns, directory: directory)
    }

    /// The facts of the one instance that the command line means.
    func status(_ invocation: Invocation, for purpose: SelectRequest.Purpose) throws(DevError) -> InstanceFacts {
        let facts: InstanceFacts = try call("status", SelectRequest(selection: selection(try Naming.name(invocation)), purpose: purpose))
        // A status has them below what it prints.
        if purpose != .reading { for note in facts.notes { err("warning: \(note)\n") } }
        return facts
    }

    /// Tells what went otherwise than one would think, beside the output of a command that did its work.
    func warn(_ facts: InstanceFacts) {
        for note in facts.notes + (facts.lacksPort ? [facts.reason].compactMap { $0 } : []) { err("warning: \(note)\n") }
    }

    /// All instances that the command line's names and patterns match; the project's without any.
    /// - Throws: `not-found` for a name (not a pattern) that matches nothing: prisma dev says "nothing found" and exits with 0, but
    ///   a mistyped name in a script should not pass for success.
    func matches(_ patterns: [String]) throws(DevError) -> [InstanceFacts] {
        if patterns.isEmpty { return [try call("status", SelectRequest(selection: selection([])))] }
        let found: [InstanceFacts] = try call("list", SelectRequest(selection: selection(patterns)))
        for pattern in patterns where Glob(pattern).isLiteral && !found.contains(where: { Glob(pattern).matches($0.name) }) {
            throw DevError(.notFound, "There is no instance \(pattern)", object: pattern, help: "Run dev ls to see those that there are")
        }
        return found
    }
}

extension InstanceFacts {
    /// A server process may be alive.
    var isAwake: Bool {
        switch state {
        case .starting, .running, .frozen, .recovering, .stopping: true
        case .absent, .creating, .stopped, .deleting: false
        case .broken: pid != nil
        }
    }

    /// Somebody else has one of its ports; `reason` says which.
    var lacksPort: Bool { state != .broken && reason != nil }
}

extension StringProtocol {
    /// Without blanks at both ends (Foundation's would have to be linked).
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
