import Basics
import ControlTestSupport
import DevAPI
import DevCommands
import Foundation

/// One run of `dev` in this process, against a fake daemon and with a made-up world.
final class Stage {
    struct Replaced: Equatable {
        var path: String
        var arguments: [String]
        var environment: [String: String]
    }

    let daemon: FakeDaemon
    var output = ""
    var errors = ""
    /// What standard input holds.
    var input: [String] = []
    var replaced: Replaced?
    var environment = ["PATH": "/usr/bin:/bin"]
    var terminal = Context.Terminal(isInput: false, isOutput: false, isError: false, columns: 80)
    var clock = 0.0
    var interrupt: Int32 = -1
    let directory: String

    init(_ handler: @escaping @Sendable (FakeDaemon.Request) -> [FakeDaemon.Step]) throws {
        daemon = try FakeDaemon(handler: handler)
        directory = daemon.layout.root + "/project"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    /// A daemon with these instances, which does what it is asked for.
    convenience init(_ instances: InstanceFacts...) throws {
        try self.init { request in Stage.answer(request, instances) }
    }

    func close() { daemon.close() }

    func onTerminal() { terminal = Context.Terminal(isInput: true, isOutput: true, isError: true, columns: 80) }

    @discardableResult func run(_ arguments: String...) -> Int32 { run(arguments) }

    @discardableResult func run(_ arguments: [String]) -> Int32 {
        output = ""
        errors = ""
        let context = Context(
            environment: environment, directory: directory, terminal: terminal, client: ControlClient(layout: daemon.layout),
            out: { self.output += $0 }, err: { self.errors += $0 },
            readLine: { self.input.isEmpty ? nil : self.input.removeFirst() },
            replaceProcess: { path, arguments, environment in
                self.replaced = Replaced(path: path, arguments: arguments, environment: environment)
                return ENOEXEC
            }, catchInterrupts: { self.interrupt }, giveUpAfter: { _ in },
            now: {
                self.clock += 0.12
                return self.clock
            })
        return Program.run(arguments, in: context)
    }

    static func answer(_ request: FakeDaemon.Request, _ instances: [InstanceFacts]) -> [FakeDaemon.Step] {
        guard let selection = (try? request.decode(SelectRequest.self))?.selection ?? (try? request.decode(UpRequest.self))?.selection
        else {
            return [.error(DevError(.internal, "not understood", object: request.path))]
        }
        let matching = instances.filter { facts in
            selection.patterns.isEmpty || selection.patterns.contains { Glob($0).matches(facts.name) }
        }
        switch request.path {
        case "list", "start", "stop", "rm": return [.result(matching)]
        case "up", "status":
            guard let first = matching.first else {
                return [.error(DevError(.notFound, "There is no instance", object: "x", help: "Run dev up"))]
            }
            return [.progress("Working"), .result(first)]
        default: return [.error(DevError(.internal, "no route", object: request.path))]
        }
    }
}
