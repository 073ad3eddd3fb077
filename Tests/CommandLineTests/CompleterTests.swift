import CommandLine
import Testing

private let root = Command(
    "prog", abstract: "Does things", options: [Option("help", short: "h", abstract: "Help")],
    subcommands: [
        Command(
            "up", abstract: "Ups",
            options: [
                Option("pg", value: Value("V", .choice(["15", "16"])), abstract: "Version"),
                Option("file", short: "f", value: Value("FILE", .path), abstract: "File"), Option("quiet", short: "q", abstract: "Quiet"),
                Option("secret", abstract: "Hidden", hidden: true),
            ],
            positionals: [Positional(Value("NAME", .instance), .optional, abstract: "Name")]),
        Command("rm", abstract: "Removes", positionals: [Positional(Value("NAMES", .instances), .many, abstract: "Names")]),
        Command("run", abstract: "Runs", positionals: [Positional(Value("CMD"), .trailing(required: true), abstract: "Command")]),
        Command("set", abstract: "Sets", positionals: [Positional(Value("KEY", .suggestion(["a", "a.b"])), .one, abstract: "Key")]),
        Command("__hidden", abstract: "Hidden", hidden: true),
    ])

private func complete(_ words: String...) -> Completion { Completer.complete(words, root: root) }
private func texts(_ words: String...) -> [String] { Completer.complete(words, root: root).items.map(\.text) }

@Suite struct CompleterTests {
    @Test func `Commands and options are offered, hidden ones are not`() {
        #expect(texts("") == ["up", "rm", "run", "set"])
        #expect(texts("r") == ["rm", "run"])
        #expect(texts("up", "-") == ["--pg", "--file", "--quiet", "--help"])
        #expect(texts("up", "--q") == ["--quiet"])
        #expect(texts("up", "--quiet", "--q") == [])
        #expect(texts("up", "-q", "--q") == [])
    }

    @Test func `Values are offered by their kind`() {
        #expect(texts("up", "--pg", "") == ["15", "16"])
        #expect(texts("up", "--pg=1") == ["--pg=15", "--pg=16"])
        #expect(complete("up", "-f", "").wants == .files)
        #expect(complete("up", "").wants == .instances)
        #expect(complete("up", "app", "").wants == .nothing)
        #expect(texts("set", "") == ["a", "a.b"] && texts("set", "a.") == ["a.b"])
        #expect(throws: Never.self) { try Parser.parse(["set", "c"], root: root) }
        #expect(complete("run", "--", "np").wants == .commandLine)
    }

    @Test func `A list goes on after a comma`() {
        let completion = complete("rm", "one,tw")
        #expect(completion.fitting([.init("one"), .init("two"), .init("twelve")]).map(\.text) == ["one,two", "one,twelve"])
        #expect(complete("rm", "a", "b", "").wants == .instances)
    }

    @Test func `bash's split words are joined`() {
        #expect(CompletionScript.words(["up", "--pg", "=", "1"], shell: "bash") == ["up", "--pg=1"])
        #expect(CompletionScript.words(["up", "--pg", "="], shell: "bash") == ["up", "--pg="])
        #expect(CompletionScript.words(["up", "--pg", "=", "15", "x"], shell: "bash") == ["up", "--pg=15", "x"])
        #expect(CompletionScript.line(.init("--pg=15", "note"), shell: "bash") == "15\tnote")
        #expect(CompletionScript.line(.init("--pg=15"), shell: "zsh") == "--pg=15")
    }

    @Test func `Nothing typed is nothing offered`() {
        #expect(Completer.complete([], root: root).items.isEmpty)
        #expect(texts("nope", "") == [])
    }
}
