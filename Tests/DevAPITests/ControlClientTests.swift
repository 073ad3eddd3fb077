import Basics
import ControlTestSupport
import DevAPI
import Dispatch
import Testing

@Suite struct ControlClientTests {
    private func call(
        _ daemon: FakeDaemon, checksVersion: Bool = true, observer: CallObserver = CallObserver()
    ) throws(DevError) -> InstanceFacts {
        try ControlClient(layout: daemon.layout).call(
            "status", SelectRequest(selection: Selection(patterns: ["app"], directory: "/")), checksVersion: checksVersion,
            observer: observer)
    }

    private func code(_ daemon: FakeDaemon, checksVersion: Bool = true) -> DevErrorCode? {
        do {
            _ = try call(daemon, checksVersion: checksVersion)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `Progress comes before the result`() throws {
        let daemon = try FakeDaemon { _ in [.progress("Cloning"), .progress("Starting"), .result(Samples.instance())] }
        defer { daemon.close() }
        var events: [ControlEvent] = []
        let facts = try call(daemon, observer: CallObserver { events.append($0) })
        #expect(facts == Samples.instance())
        #expect(events == [.progress("Cloning"), .progress("Starting")])
        let request = try #require(daemon.requests.first)
        #expect(request.head.contains("\(ControlProtocol.versionHeader): \(devdbVersion)"))
        #expect(try request.decode(SelectRequest.self).selection.patterns == ["app"])
    }

    @Test func `The daemon's error is thrown as it is`() throws {
        let error = DevError(.portTaken, "51214 is used", object: "51214", cause: "pid 812", help: "Run dev up --db-port 0")
        let daemon = try FakeDaemon { _ in [.error(error)] }
        defer { daemon.close() }
        #expect(throws: error) { try call(daemon) }
    }

    @Test func `A daemon that says nothing at all is given up`() throws {
        let daemon = try FakeDaemon { _ in [.mute] }
        defer { daemon.close() }
        var client = ControlClient(layout: daemon.layout)
        client.patience = Patience(first: 0.02, answer: 0.02, pause: 0.02, limit: 0.2)
        var said: [ControlEvent] = []
        do {
            let _: Done = try client.call("stop", Done(), observer: CallObserver { said.append($0) })
            Issue.record("it answered")
        } catch {
            #expect(error.code == .daemonUnreachable && error.message.contains("does not answer"), "\(error)")
        }
        #expect(said.contains(.silent("The daemon does not answer; waiting")))
    }

    /// It is silent for many times its limit, and says that it lives when it is asked.
    @Test func `A daemon that works for long is waited for`() throws {
        let asked = Counter()
        let enough = DispatchSemaphore(value: 0)
        let daemon = try FakeDaemon { request in
            if request.path == "daemon" {
                if asked.next() == 5 { enough.signal() }
                return [.result(Done())]
            }
            enough.wait()
            return [.result(Samples.instance())]
        }
        defer { daemon.close() }
        var client = ControlClient(layout: daemon.layout)
        client.patience = Patience(first: 0.05, answer: 5, pause: 0.05, limit: 0.1)
        var said: [ControlEvent] = []
        let facts: InstanceFacts = try client.call(
            "up", UpRequest(selection: Selection(patterns: [], directory: "/")), observer: CallObserver { said.append($0) })
        #expect(facts == Samples.instance() && said == [])
    }

    @Test func `A code of a newer daemon is kept`() throws {
        let daemon = try FakeDaemon { _ in [.error(DevError(DevErrorCode(rawValue: "new-one"), "x", object: "y"))] }
        defer { daemon.close() }
        #expect(code(daemon)?.rawValue == "new-one")
    }

    @Test(arguments: [[FakeDaemon.Step.die], [.progress("x"), .die], [], [.line("nonsense")], [.line("{\"result\":{\"name\":1}}")]])
    func `A daemon that dies or talks nonsense is unreachable`(_ steps: [FakeDaemon.Step]) throws {
        let daemon = try FakeDaemon { _ in steps }
        defer { daemon.close() }
        #expect(code(daemon) == .daemonUnreachable)
    }

    @Test(arguments: ["up", "list", "status", "start", "stop", "config", "doctor", "daemon", "rm", "undo", "logs", "shutdown"])
    func `What can be repeated is asked again, once, when the daemon dies`(_ path: String) throws {
        let isRepeated = !["rm", "undo", "logs", "shutdown"].contains(path)
        for deaths in 1...2 {
            let calls = Counter()
            let daemon = try FakeDaemon { _ in calls.next() > deaths ? [.result(Done())] : [.progress("Working"), .die] }
            defer { daemon.close() }
            let client = ControlClient(layout: daemon.layout)
            if isRepeated, deaths == 1 {
                let _: Done = try client.call(path, Done())
            } else {
                #expect { let _: Done = try client.call(path, Done()) } throws: { ($0 as? DevError)?.code == .daemonUnreachable }
            }
            #expect(daemon.requests.count == (isRepeated ? 2 : 1))
        }
    }

    @Test func `What the daemon says is not asked again`() throws {
        let daemon = try FakeDaemon { _ in [.error(DevError(.portTaken, "taken", object: "1"))] }
        defer { daemon.close() }
        #expect(code(daemon) == .portTaken)
        #expect(daemon.requests.count == 1)
    }

    @Test func `Another version is refused unless it is about to be replaced`() throws {
        let daemon = try FakeDaemon(version: "0.0.9") { _ in [.result(Samples.instance())] }
        defer { daemon.close() }
        #expect(code(daemon) == .versionMismatch)
        #expect(code(daemon, checksVersion: false) == nil)
    }

    @Test func `Nobody there`() throws {
        let client = ControlClient(layout: HomeLayout(root: "/tmp/dt-\(UInt32.random(in: 0...UInt32.max))"))
        #expect(!client.isRunning)
        do {
            let _: Done = try client.call("status", Done())
            Issue.record("it answered")
        } catch {
            #expect(error.code == .daemonUnreachable)
            #expect(error.help == "Run dev daemon start")
        }
    }

    @Test func `A readable descriptor ends a call`() throws {
        let daemon = try FakeDaemon { _ in [.log("one"), .untilClientLeaves] }
        defer { daemon.close() }
        let signal = Signal()
        let observer = CallObserver(interrupt: signal.reading) { event in if event == .line("one") { signal.raise() } }
        do {
            let _: Done = try ControlClient(layout: daemon.layout).call("logs", Done(), observer: observer)
            Issue.record("it ended by itself")
        } catch {
            #expect(error.code == .cancelled)
        }
    }

    @Test func `A long wait ticks`() throws {
        let daemon = try FakeDaemon { _ in [.untilClientLeaves] }
        defer { daemon.close() }
        let signal = Signal()
        var ticks = 0
        let observer = CallObserver(tick: 1, interrupt: signal.reading) { event in
            ticks += event == .tick ? 1 : 0
            if ticks == 3 { signal.raise() }
        }
        #expect(throws: DevError.self) {
            let _: Done = try ControlClient(layout: daemon.layout).call("status", Done(), observer: observer)
        }
        #expect(ticks >= 3)
    }

    @Test func `A log that ends without a result was cut`() throws {
        let daemon = try FakeDaemon { _ in [.log("one")] }
        defer { daemon.close() }
        #expect { let _: Done = try ControlClient(layout: daemon.layout).call("logs", Done()) } throws: {
            ($0 as? DevError)?.code == .daemonUnreachable
        }
    }

    @Test func `Who follows a log goes on with the next daemon, from where the last one was`() throws {
        let calls = Counter()
        let leaving = DevError(.daemonUnreachable, "The daemon is leaving", object: "devd")
        let daemon = try FakeDaemon { _ in
            switch calls.next() {
            case 1: [.log("one"), .position(7, 30), .error(leaving)]
            case 2: [.position(7, 40), .die]
            default: [.log("two"), .result(Done())]
            }
        }
        defer { daemon.close() }
        var lines: [String] = []
        let observer = CallObserver { event in if case .line(let line) = event { lines.append(line) } }
        let request = LogsRequest(selection: Selection(patterns: ["app"], directory: "/"), tail: 5, follow: true)
        #expect(try ControlClient(layout: daemon.layout).follow(request, observer: observer))
        #expect(lines == ["one", "two"])
        let positions = try daemon.requests.map { try $0.decode(LogsRequest.self).after?.offset }
        #expect(positions == [nil, 30, 40])
    }

    @Test func `Who follows a log is told that no daemon came`() throws {
        let daemon = try FakeDaemon { _ in [.log("one"), .position(7, 30), .vanish] }
        defer { daemon.close() }
        let request = LogsRequest(selection: Selection(patterns: ["app"], directory: "/"), tail: 5, follow: true)
        #expect { _ = try ControlClient(layout: daemon.layout).follow(request, observer: CallObserver()) } throws: {
            let error = $0 as? DevError
            return error?.code == .daemonUnreachable && error?.message.contains("no other has come") == true
        }
        #expect(daemon.requests.count == 1)
    }

    @Test func `A long answer arrives whole`() throws {
        let many = (0..<500).map { Samples.instance("app\($0)") }
        let daemon = try FakeDaemon { _ in [.result(many)] }
        defer { daemon.close() }
        let all: [InstanceFacts] = try ControlClient(layout: daemon.layout).call("list", Done())
        #expect(all == many)
    }

    @Test func `Every key is there, null when unknown`() throws {
        let text = try JSONText.compact(Samples.instance(state: .stopped))
        #expect(text.contains("\"pid\":null") && text.contains("\"front\":null") && text.contains("\"reason\":null"))
        #expect(!text.contains("\\/"))
        let error = try JSONText.compact(DevError(.failed, "m", object: "o"))
        #expect(error == "{\"cause\":null,\"code\":\"failed\",\"help\":null,\"message\":\"m\",\"object\":\"o\"}")
    }

    @Test(arguments: [ReadyReport.ready, .failed(DevError(.readOnly, "The home can't be written", object: "/x", cause: "EROFS"))])
    func `A ready line reads back`(_ report: ReadyReport) {
        #expect(ReadyReport(line: String(report.line.dropLast())) == report)
        #expect(ReadyReport(line: "hello") == nil)
        #expect(ReadyReport(line: "{}") == nil)
    }
}
