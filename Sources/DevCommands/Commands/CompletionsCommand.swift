internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev completions`, and the hidden `dev __complete` that its scripts call.
enum CompletionsCommand {
    static let description = Command(
        "completions", abstract: "Print the completion script of a shell",
        discussion: ["make install puts them where the shells look. To use one now: source it (bash, zsh), or pipe it to source (fish)."],
        examples: [
            Example("source <(dev completions bash)", "For this bash"), Example("dev completions fish | source", "For this fish"),
        ],
        positionals: [Positional(Value("SHELL", .choice(CompletionScript.shells)), .one, abstract: "The shell")])

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        guard let text = CompletionScript.text(invocation.argument("SHELL") ?? "", program: "dev") else { return 2 }
        context.out(text)
        return 0
    }
}

enum CompleteCommand {
    static let description = Command(
        "__complete", abstract: "Candidates for the completion scripts",
        positionals: [
            Positional(Value("SHELL", .choice(CompletionScript.shells)), .one, abstract: "Who asks"),
            Positional(Value("WORDS"), .trailing(required: false), abstract: "What was typed, the last word unfinished"),
        ],
        hidden: true)

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let shell = invocation.argument("SHELL") ?? ""
        let words = CompletionScript.words(invocation.arguments("WORDS"), shell: shell)
        let completion = Completer.complete(words, root: Program.root)
        var items = completion.items
        switch completion.wants {
        case .files: context.out(":files\n")
        case .commandLine: context.out(":command\n")
        case .instances: items += completion.fitting(instances(context))
        case .nothing: break
        }
        context.out(items.map { CompletionScript.line($0, shell: shell) + "\n" }.joined())
        return 0
    }

    /// Asked only of a daemon that runs: a Tab starts nothing and shows no error.
    private static func instances(_ context: Context) -> [Completion.Item] {
        context.giveUpAfter(1)
        var client = context.client
        client.starter = nil
        let all: [InstanceFacts]? = try? client.call("list", SelectRequest(selection: context.selection([])))
        return (all ?? []).map { Completion.Item($0.name, $0.state.rawValue) }
    }
}
