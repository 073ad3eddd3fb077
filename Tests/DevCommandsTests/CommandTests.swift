import Basics
import ControlTestSupport
import DevAPI
import Testing

@testable import DevCommands

@Suite struct CommandTests {
    // MARK: up

    @Test func `up -d prints the plain URL and nothing else`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        #expect(stage.run("up", "-d", "-n", "app", "-p", "1", "-P", "2", "--shadow-db-port", "3", "--set", "work_mem=1=2") == 0)
        #expect(stage.output == "postgres://postgres:s3cret@localhost:51214/template1?sslmode=disable\n")
        #expect(stage.errors == "")
        let request = try #require(stage.daemon.requests("up").first).decode(UpRequest.self)
        #expect(request.selection == Selection(patterns: ["app"], directory: stage.directory))
        #expect([request.port, request.dbPort, request.shadowDbPort] == [1, 2, 3])
        #expect(request.settings == ["work_mem": "1=2"])
        #expect(request.idle == nil && request.password == nil)
    }

    @Test func `up prints all that is needed next`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        #expect(stage.run("up") == 0)
        for piece in ["app is running (PostgreSQL 15.18)", "DATABASE_URL=\"", "SHADOW_DATABASE_URL=\"", "dev psql"] {
            #expect(stage.output.contains(piece))
        }
        #expect(!stage.output.contains("\u{1b}"))
        stage.run("up", "app")
        #expect(stage.output.contains("dev psql app · dev env app --write .env · dev stop app"))
    }

    @Test(arguments: [
        (["up", "--idle", "soon"], "usage", 2), (["up", "a b"], "bad-name", 2), (["up", "a", "-n", "b"], "usage", 2),
        (["up", "-d", "--foreground"], "usage", 2), (["up", "--port", "x"], "usage", 2), (["nope"], "usage", 2),
        (["status", "zz"], "not-found", 3),
        (["daemon"], "usage", 2), (["help", "nope"], "usage", 2), (["undo", "rm", "-x"], "usage", 2),
        (["up", "--pg", "abc"], "usage", 2), (["up", "--pg", ""], "usage", 2), (["up", ""], "usage", 2), (["up", "ä"], "bad-name", 2),
        (["up", "--db-port", "-1"], "usage", 2), (["up", "--db-port", "65536"], "usage", 2), (["up", "--set", "=1"], "usage", 2),
        (["up", "--port", "99999999999999999999"], "usage", 2), (["up", String(repeating: "x", count: 64)], "bad-name", 2),
        (["up", "--idle", "99999999999999999999h"], "usage", 2), (["stop", ""], "usage", 2), (["logs", "-n", "-1"], "usage", 2),
    ])
    func `Errors have a code in text and in JSON, and a status`(_ arguments: [String], _ code: String, _ status: Int32) throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        #expect(stage.run(arguments) == status)
        #expect(stage.output == "")
        #expect(stage.errors.hasPrefix("error[\(code)]: "))
        #expect(stage.run(arguments + ["--json"]) == status || arguments == ["help", "nope"])
        #expect(stage.errors.hasPrefix("{\"error\":{\"cause\":") || !["up", "status"].contains(arguments[0]))
        #expect(stage.output == "")
    }

    @Test func `An error points at the argument on a terminal`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        stage.onTerminal()
        stage.environment["NO_COLOR"] = "1"
        #expect(stage.run("up", "my app", "--prot", "5") == 2)
        #expect(
            stage.errors == """
                error[usage]: dev up has no option --prot. The nearest is --port.
                  dev up 'my app' --prot 5
                                  ^^^^^^

                """)
    }

    @Test func `In the foreground it follows the log and stops the server after Ctrl-C`() throws {
        let pipe = Signal()
        let stage = try Stage { request in
            switch request.path {
            case "up": return [.result(Samples.instance())]
            case "logs":
                pipe.raise()
                return [.log("ready to accept connections"), .untilClientLeaves]
            default: return [.result([Samples.instance(state: .stopped)])]
            }
        }
        defer { stage.close() }
        stage.interrupt = pipe.reading
        #expect(stage.run("up", "--foreground") == 0)
        #expect(stage.output.contains("Ctrl-C stops it"))
        #expect(stage.output.hasSuffix("app has been stopped; its data stay\n"))
        #expect(stage.daemon.requests.map(\.path) == ["up", "logs", "stop"])
    }

    @Test func `Without its daemon it ends, and stops nothing`() throws {
        let stage = try Stage { request in
            request.path == "up" ? [.result(Samples.instance())] : [.log("ready"), .position(7, 6), .vanish]
        }
        defer { stage.close() }
        #expect(stage.run("up", "--foreground") == 5)
        #expect(stage.errors.contains("dev up app --foreground to follow it again, or dev stop app"))
        #expect(stage.daemon.requests.map(\.path) == ["up", "logs"])
    }

    // MARK: Facts

    @Test func `url prints one line`() throws {
        let stage = try Stage(Samples.instance(state: .stopped))
        defer { stage.close() }
        let facts = Samples.instance()
        for (flag, url) in [("--prisma", facts.prismaUrl), ("--shadow", facts.shadowUrl), ("--http", facts.prismaPostgresUrl)] {
            #expect(stage.run("url", flag) == 0)
            #expect(stage.output == url + "\n")
        }
        #expect(stage.run("url", "app") == 0)
        #expect(stage.output == facts.url + "\n")
        #expect(stage.daemon.requests.allSatisfy { $0.path == "status" })
        #expect(stage.run("url", "--prisma", "--http") == 2)
        #expect(stage.run("url", "--serverless", "--database", "shop") == 0)
        let (endpoint, password) = (facts.httpUrl, facts.password)
        #expect(
            stage.output
                == "{\"database\":\"shop\",\"endpoint\":\"\(endpoint)\",\"password\":\"\(password)\",\"username\":\"app\"}\n")
        #expect(stage.run("url", "--serverless", "--json") == 2)
        #expect(stage.run("url", "--serverless", "--database", String(repeating: "x", count: 64)) == 2)
        #expect(stage.run("url", "other") == 3)
        #expect(stage.errors.contains("Run dev up"))
    }

    @Test func `ls lists all, or those that match`() throws {
        let stage = try Stage(Samples.instance("app"), Samples.instance("web", state: .stopped))
        defer { stage.close() }
        #expect(stage.run("ls") == 0)
        #expect(stage.output.split(separator: "\n").count == 3)
        #expect(stage.run("ls", "w*,zz*") == 0)
        #expect(stage.output.contains("web") && !stage.output.contains("app "))
        #expect(stage.run("ls", "zz*", "--json") == 0)
        #expect(stage.output.filter { !$0.isWhitespace } == "[]")
        #expect(stage.run("ls", "zz") == 3)
    }

    @Test func `status tells what is broken`() throws {
        var facts = Samples.instance(state: .broken)
        facts.reason = "FATAL: bad\nmore"
        let stage = try Stage(facts)
        defer { stage.close() }
        #expect(stage.run("status") == 0)
        #expect(stage.output.contains("  reason    FATAL: bad\n            more\n"))
    }

    // MARK: start, stop, rm

    @Test func `In a pipe stop and rm go ahead`() throws {
        let stage = try Stage(Samples.instance("app"), Samples.instance("web", state: .stopped))
        defer { stage.close() }
        stage.input = ["no"]
        #expect(stage.run("stop", "*") == 0)
        #expect(stage.output == "Stopped app\n")
        #expect(try #require(stage.daemon.requests("stop").first).decode(SelectRequest.self).selection.patterns == ["app"])
        #expect(stage.run("rm", "web") == 0)
        #expect(stage.output.hasPrefix("Removed web"))
        #expect(stage.errors == "")
    }

    @Test func `What runs is removed by force only`() throws {
        let stage = try Stage(Samples.instance("app"))
        defer { stage.close() }
        #expect(stage.run("rm", "app") == 4)
        #expect(stage.errors.contains("Use the --force flag to stop and remove them"))
        #expect(stage.daemon.requests("rm").isEmpty)
        #expect(stage.run("rm", "app", "--force") == 0)
        #expect(try #require(stage.daemon.requests("rm").first).decode(SelectRequest.self).force)
    }

    @Test(
        arguments: [
            ("stop", "i will interrupt sessions, yes", 0), ("stop", "y", 0), ("stop", "YES", 0), ("stop", "n", 1),
            ("stop", "i will lose local data", 1), ("rm", "i will lose local data", 0), ("rm", "no", 1),
        ] as [(String, String, Int32)])
    func `On a terminal they ask`(_ verb: String, _ answer: String, _ status: Int32) throws {
        let stage = try Stage(Samples.instance("app", state: verb == "rm" ? .stopped : .running, sessions: 3))
        defer { stage.close() }
        stage.onTerminal()
        // A wrong answer is asked again; the end of input is a no.
        stage.input = ["what?", answer]
        #expect(stage.run(verb, "app") == status)
        #expect(stage.daemon.requests(verb).isEmpty == (status != 0))
        #expect(stage.errors.contains("Aborted!") == (status != 0))
        #expect(stage.run(verb, "app", "--yes") == 0)
    }

    @Test func `Nothing to do is no failure, a wrong name is`() throws {
        let stage = try Stage(Samples.instance("app"))
        defer { stage.close() }
        for (verb, word) in [("start", "start"), ("stop", "stop"), ("rm", "remove")] {
            #expect(stage.run(verb, "zz*") == 0)
            #expect(stage.output == "No instances found to \(word).\n")
            #expect(stage.run(verb, "zz*", "--json") == 0)
            #expect(stage.output.filter { !$0.isWhitespace } == "[]")
            #expect(stage.run(verb, "zz") == 3)
            #expect(stage.errors.contains("There is no instance zz"))
        }
        #expect(stage.run("start", "app") == 0)
        #expect(stage.output == "app is already running and won't be affected\nNo instances found to start.\n")
    }

    // MARK: run, psql

    @Test func `run becomes the command`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        stage.environment["PGHOSTADDR"] = "10.0.0.1"
        #expect(stage.run("run", "app", "--", "sh", "-c", "x") == 126)
        let replaced = try #require(stage.replaced)
        #expect(replaced.path.hasSuffix("/sh") && replaced.arguments == ["sh", "-c", "x"])
        #expect(replaced.environment["PGPORT"] == "51214" && replaced.environment["PGPASSWORD"] == "s3cret")
        #expect(replaced.environment["DATABASE_URL"] == Samples.instance().url)
        #expect(replaced.environment["PGHOSTADDR"] == nil && replaced.environment["PATH"] != nil)
        #expect(stage.run("run", "--", "no-such-command") == 127)
        #expect(stage.run("run", "zz", "--", "true") == 3)
    }

    @Test func `psql is the toolchain's, else PATH's`() throws {
        let stage = try Stage(Samples.instance(bin: "/usr/bin/../bin"))
        defer { stage.close() }
        stage.environment["PATH"] = "/nowhere"
        guard Executable.find("/usr/bin/psql", stageContext(stage)) != nil else {
            print("SKIPPED: dev psql, because there is no /usr/bin/psql here")
            return
        }
        #expect(stage.run("psql", "--", "-c", "select 1") == 1)
        #expect(stage.replaced?.path == "/usr/bin/../bin/psql")
        #expect(stage.replaced?.arguments == ["psql", "-c", "select 1"])
    }

    private func stageContext(_ stage: Stage) -> Context {
        Context(
            environment: [:], directory: "/", terminal: stage.terminal, client: ControlClient(layout: stage.daemon.layout), out: { _ in },
            err: { _ in }, readLine: { nil }, replaceProcess: { _, _, _ in 0 }, catchInterrupts: { -1 }, giveUpAfter: { _ in }, now: { 0 })
    }

    // MARK: The rest

    @Test func `logs prints lines`() throws {
        let stage = try Stage { request in request.path == "logs" ? [.log("one"), .log("two"), .result(Done())] : [] }
        defer { stage.close() }
        #expect(stage.run("logs", "app", "-f", "-n", "5") == 0)
        #expect(stage.output == "one\ntwo\n")
        let request = try #require(stage.daemon.requests.first).decode(LogsRequest.self)
        #expect(request.tail == 5 && request.follow && request.selection.patterns == ["app"])
    }

    @Test func `config shows, gets, sets and unsets`() throws {
        let stage = try Stage { request in
            var facts = Samples.config
            if let change = try? request.decode(ConfigRequest.self), !change.set.isEmpty {
                facts.pendingRestart = ["profile", "settings.work_mem"]
            }
            return [.result(facts)]
        }
        defer { stage.close() }
        #expect(stage.run("config") == 0)
        #expect(stage.output.contains("idle  10m"))
        #expect(stage.run("config", "get", "idle", "-n", "app") == 0)
        #expect(stage.output == "10m\n")
        #expect(stage.run("config", "get", "nope") == 3)
        #expect(stage.run("config", "set", "settings.work_mem", "8MB") == 0)
        // Of what waits, its own key.
        #expect(stage.errors.hasSuffix(": settings.work_mem\n"))
        #expect(stage.run("config", "set", "idle", "1h") == 0 && stage.errors.isEmpty)
        #expect(stage.run("config", "set", "settings.work_mem = 9MB=x") == 0)
        #expect(try stage.daemon.requests.last?.decode(ConfigRequest.self).set == ["settings.work_mem": "9MB=x"])
        #expect(stage.run("config", "set", "settings.work_mem") == 2)
        #expect(stage.errors.contains("Run dev config set KEY VALUE"))
        #expect(stage.run("config", "unset", "idle") == 0)
        let requests = try stage.daemon.requests.map { try $0.decode(ConfigRequest.self) }
        #expect(requests.map(\.set) == [[:], [:], [:], ["settings.work_mem": "8MB"], ["idle": "1h"], ["settings.work_mem": "9MB=x"], [:]])
        #expect(requests.last?.unset == ["idle"])
    }

    @Test func `doctor fails when a check does`() throws {
        let stage = try Stage { _ in
            var facts = Samples.doctor
            facts.checks.append(.init(name: "disk", ok: false, text: "full", help: "Make room"))
            return [.result(facts)]
        }
        defer { stage.close() }
        #expect(stage.run("doctor") == 1)
        #expect(stage.output.contains("✘ disk: full\n  Make room\n") && stage.output.contains("15.18 *"))
    }

    @Test func `daemon status starts nothing`() throws {
        let stage = try Stage { _ in [.result(Samples.daemon)] }
        #expect(stage.run("daemon", "status") == 0)
        #expect(stage.output.contains("pid 77"))
        stage.close()
        #expect(stage.run("daemon", "status") == 5)
        #expect(stage.errors.contains("Run dev daemon start"))
    }

    @Test func `Progress is drawn after a moment and wiped away`() throws {
        let stage = try Stage { _ in [.progress("Cloning"), .progress("Starting"), .result(Samples.instance())] }
        defer { stage.close() }
        stage.onTerminal()
        stage.run("up", "-d")
        #expect(!stage.errors.contains("Cloning") && stage.errors.contains("Starting"))
        #expect(stage.errors.hasSuffix("\r\u{1b}[K"))
        stage.terminal.isError = false
        stage.run("up", "-d")
        #expect(stage.errors == "")
    }

    @Test func `__complete asks a living daemon for names`() throws {
        let stage = try Stage(Samples.instance("app"), Samples.instance("web", state: .stopped))
        #expect(stage.run("__complete", "zsh", "--", "url", "") == 0)
        #expect(stage.output == "app\trunning\nweb\tstopped\n")
        stage.run("__complete", "bash", "--", "rm", "app,w")
        #expect(stage.output == "app,web\tstopped\n")
        stage.run("__complete", "bash", "--", "up", "--profile", "=", "d")
        #expect(stage.output == "durable\n")
        stage.run("__complete", "fish", "--", "run", "--", "npm", "")
        #expect(stage.output == ":command\n")
        stage.close()
        #expect(stage.run("__complete", "zsh", "--", "url", "") == 0)
        #expect(stage.output == "" && stage.errors == "")
    }

    @Test func `version and help need no daemon`() throws {
        let stage = try Stage()
        stage.close()
        #expect(stage.run("version") == 0)
        #expect(stage.output == "devdb \(devdbVersion)\n")
        #expect(stage.run("--version") == 0)
        #expect(stage.run() == 0)
        #expect(stage.output.hasPrefix("A local PostgreSQL"))
        let help = stage.output
        #expect(stage.run("help") == 0)
        #expect(stage.output == help)
        stage.run("help", "daemon", "stop")
        #expect(stage.output.contains("dev daemon stop [options]"))
    }

    @Test func `Nothing is an empty list`() throws {
        let stage = try Stage()
        defer { stage.close() }
        #expect(stage.run("ls", "--json") == 0)
        #expect(stage.output == "[]\n")
        #expect(try JSONText.pretty(["a": [String](), "b": ["[\n]"]]) == "{\n  \"a\" : [],\n  \"b\" : [\n    \"[\\n]\"\n  ]\n}")
    }

    @Test func `A misspelt --version is told`() throws {
        let stage = try Stage()
        defer { stage.close() }
        #expect(stage.run("--verison") == 2)
        #expect(stage.errors.contains("The nearest is --version"))
    }

    @Test func `What is brought back is named`() throws {
        let stage = try Stage()
        defer { stage.close() }
        for name in ["a*", "a,b"] {
            #expect(stage.run("undo", "rm", name) == 2)
            #expect(stage.errors.contains("Run dev undo rm NAME"))
        }
    }
}
