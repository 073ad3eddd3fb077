import CommandLine
import Testing

private let root = Command(
    "prog", abstract: "Does things", options: [Option("help", short: "h", abstract: "Help"), Option("debug", abstract: "Debug")],
    subcommands: [
        Command(
            "make", aliases: ["mk"], abstract: "Makes", examples: [Example("prog make", "Makes")],
            options: [
                Option("name", short: "n", value: Value("NAME"), abstract: "Name"), Option("force", short: "f", abstract: "Force"),
                Option("all", short: "a", abstract: "All"),
                Option("port", short: "p", value: Value("PORT", .integer(0...65_535)), abstract: "Port"),
                Option("set", value: Value("K=V", .pair), abstract: "Set", repeats: true),
                Option("kind", value: Value("KIND", .choice(["one", "two"])), abstract: "Kind"),
            ],
            positionals: [Positional(Value("FILE"), .optional, abstract: "File")], exclusive: [["force", "all"]]),
        Command(
            "run", abstract: "Runs", examples: [Example("prog run", "Runs")],
            positionals: [
                Positional(Value("NAME"), .optional, abstract: "Name"),
                Positional(Value("CMD"), .trailing(required: true), abstract: "Command"),
            ]),
        Command(
            "group", abstract: "Groups",
            subcommands: [
                Command(
                    "add", abstract: "Adds", examples: [Example("prog group add", "Adds")],
                    positionals: [Positional(Value("KEY"), .one, abstract: "Key"), Positional(Value("REST"), .many, abstract: "Rest")])
            ]),
    ])

private func parse(_ arguments: String...) throws(UsageError) -> Invocation { try Parser.parse(arguments, root: root) }

private func error(_ arguments: String...) -> UsageError? {
    do {
        _ = try Parser.parse(arguments, root: root)
        return nil
    } catch {
        return error
    }
}

@Suite struct ParserTests {
    @Test(arguments: [
        ["make", "--name=x"], ["make", "--name", "x"], ["make", "-n", "x"], ["make", "-nx"], ["make", "-n=x"], ["make", "-fn", "x"],
        ["make", "-fnx"], ["mk", "--name", "x"],
    ])
    func `All forms of a value are taken`(_ arguments: [String]) throws {
        let invocation = try Parser.parse(arguments, root: root)
        #expect(invocation.name == "make")
        #expect(invocation.value("name") == "x")
    }

    @Test func `Options and words may be mixed`() throws {
        let invocation = try parse("--debug", "make", "file", "-f", "-p", "5")
        #expect(invocation.flag("debug") && invocation.flag("force") && !invocation.flag("all"))
        #expect(invocation.integer("port") == 5)
        #expect(invocation.argument("FILE") == "file")
    }

    @Test func `A value may be empty or hold an equals sign`() throws {
        #expect(try parse("make", "--name=").value("name") == "")
        #expect(try parse("make", "--name=a=b").value("name") == "a=b")
        #expect(try parse("make", "--name", "-").value("name") == "-")
        #expect(try parse("make", "--set", "a=1", "--set", "b=").values("set") == ["a=1", "b="])
    }

    @Test func `Two dashes end the options`() throws {
        #expect(try parse("make", "--", "--force").argument("FILE") == "--force")
        let run = try parse("run", "db", "--", "npm", "--", "-x")
        #expect(run.argument("NAME") == "db")
        #expect(run.arguments("CMD") == ["npm", "--", "-x"])
    }

    @Test func `Subcommands nest`() throws {
        let invocation = try parse("group", "add", "k", "a", "b")
        #expect(invocation.name == "group add")
        #expect(invocation.arguments("REST") == ["a", "b"])
        #expect(try parse("group").name == "group")
    }

    @Test func `Help needs no arguments`() throws {
        #expect(try parse("run", "--help").flag("help"))
        #expect(try parse("group", "add", "-h").flag("help"))
    }

    @Test func `The unknown is refused with the nearest`() {
        #expect(error("mkae")?.help == "The nearest is prog make")
        #expect(error("group", "ad")?.help == "The nearest is prog group add")
        #expect(error("make", "--prot", "5")?.help == "The nearest is --port")
        #expect(error("make", "--forec")?.index == 1)
        #expect(error("xyzzy")?.help == "Run prog --help for the list")
        #expect(error("--name", "x")?.help == "prog make has it")
        #expect(error("-n", "x")?.help == "prog make has it")
        #expect(error("make", "-x")?.message == "prog make has no option -x")
    }

    @Test func `Errors point at the argument`() {
        #expect(error("make", "--port", "70000")?.argument == "70000")
        #expect(error("make", "--port", "70000")?.help == "Give a number from 0 to 65535")
        #expect(error("make", "a", "b")?.argument == "b")
        #expect(error("make", "a", "b")?.index == 2)
        #expect(error("make", "-n")?.message == "-n needs a value")
        #expect(error("make", "--name", "--force")?.help == "Write --name=--force if it is the value")
        #expect(error("make", "--force=1")?.message == "--force takes no value")
        #expect(error("make", "-n1", "-n2")?.message == "--name was given twice")
        #expect(error("make", "--kind", "three")?.help == "Give one of one, two")
        #expect(error("make", "--set", "=1")?.help == "Give K=V")
        #expect(error("make", "-f", "-a")?.message == "--force and --all exclude each other")
        #expect(error("group", "add")?.message == "prog group add needs KEY")
        #expect(error("run", "npm", "test")?.help == "Put -- before the command: prog run [NAME] -- CMD...")
        #expect(error("run", "-c")?.help == "Put -- before what is not for prog run itself: prog run … -- -c")
        #expect(error("run")?.message == "prog run needs CMD")
        #expect(error("run", "--")?.message == "prog run needs CMD")
    }

    @Test(arguments: ["-1", "1x", "", "99999999999999999999", "٣"])
    func `What is no number is refused`(_ text: String) {
        #expect(error("make", "--port=" + text) != nil)
    }

    @Test func `A wrong description is found`() {
        let wrong = Command(
            "p", abstract: "Ends with a period.", options: [Option("a", abstract: "A"), Option("a", abstract: "A")],
            subcommands: [
                Command(
                    "x", abstract: "X", options: [Option("Bad", short: "1", abstract: "")],
                    positionals: [Positional(Value("M"), .many, abstract: "M"), Positional(Value("N"), .one, abstract: "N")],
                    exclusive: [["nope"]])
            ])
        #expect(Declaration.problems(in: wrong).count == 9)
        #expect(Declaration.problems(in: root).isEmpty)
    }
}
