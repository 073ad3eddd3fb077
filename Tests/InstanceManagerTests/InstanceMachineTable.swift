import Basics
import Foundation
import Testing

@testable import InstanceManager

/// Every event in every state, as docs/instance-machine.md has it. `DEVDB_WRITE_DOCS=1` writes the table there.
@Suite struct InstanceMachineTable {
    static let waiter = Waiter(number: 7)
    static let client = Waiter(number: 1)
    static let error = DevError(.failed, "x", object: "x")
    static let crash = ServerFailure(error: error, permanent: false)
    static let wrong = ServerFailure(error: error, permanent: true)

    static let states: [(name: String, state: InstanceMachine.State)] = [
        ("absent", .absent),
        ("creating", .creating(clients: [client])),
        ("stopped", .stopped),
        ("starting: delayed", .starting(.init(phase: .delayed, clients: [client]))),
        ("starting: launching", .starting(.init(phase: .launching, clients: [client]))),
        ("starting: launched", .starting(.init(phase: .launched, clients: [client]))),
        ("recovering", .recovering(.init(clients: [client]))),
        ("running", .running),
        ("stopping: preparing, idle", .stopping(.init(number: 1, phase: .preparing, idle: true))),
        ("stopping: preparing", .stopping(.init(number: 1, phase: .preparing, idle: false, clients: [client]))),
        ("stopping: fast", .stopping(.init(number: 1, phase: .fast, idle: false, clients: [client]))),
        ("stopping: immediate", .stopping(.init(number: 1, phase: .immediate, idle: false, clients: [client]))),
        ("stopping: finishing", .stopping(.init(number: 1, phase: .finishing, idle: false, clients: [client]))),
        ("deleting", .deleting(removers: [client])),
        ("broken", .broken(.init(failure: wrong, clients: [client]))),
    ]

    static let events: [(name: String, event: InstanceMachine.Event)] = [
        ("created", .created),
        ("creationFailed", .creationFailed(error)),
        ("clientArrived", .clientArrived(waiter)),
        ("clientLeft", .clientLeft(client)),
        ("stopAsked", .stopAsked(waiter)),
        ("removeAsked", .removeAsked(waiter)),
        ("repairAsked", .repairAsked),
        ("launched", .launched(attempt: 1)),
        ("launchFailed", .launchFailed(attempt: 1, crash)),
        ("launchFailed for good", .launchFailed(attempt: 1, wrong)),
        ("becameReady", .becameReady(attempt: 1)),
        ("recoveryNoticed", .recoveryNoticed(attempt: 1)),
        ("exited", .exited(attempt: 1, clean: false, failure: crash)),
        ("exited in order", .exited(attempt: 1, clean: true, failure: crash)),
        ("exited for good", .exited(attempt: 1, clean: false, failure: wrong)),
        ("retryDelayPassed", .retryDelayPassed(attempt: 1)),
        ("idleDeadlinePassed", .idleDeadlinePassed(attempt: 1)),
        ("idlenessAnswered: in use", .idlenessAnswered(attempt: 1, idle: false)),
        ("idlenessAnswered: idle", .idlenessAnswered(attempt: 1, idle: true)),
        ("stopPrepared", .stopPrepared(number: 1)),
        ("stopDeadlinePassed", .stopDeadlinePassed(number: 1)),
        ("stopFinished", .stopFinished(number: 1)),
        ("causeChecked: same", .causeChecked(changed: false)),
        ("causeChecked: changed", .causeChecked(changed: true)),
        ("removed", .removed),
        ("removeFailed", .removeFailed(error)),
    ]

    static func machine(_ state: InstanceMachine.State) -> InstanceMachine {
        var machine = InstanceMachine(name: "m", state: state)
        machine.attempt = 1
        machine.stops = 1
        return machine
    }

    static func text(_ action: InstanceMachine.Action) -> String {
        switch action {
        case .launch: "launch"
        case .delayLaunch: "delayLaunch"
        case .release: "release"
        case .answer: "answer"
        case .refuse: "refuse"
        case .armIdleDeadline: "armIdleDeadline"
        case .askIdleness: "askIdleness"
        case .prepareStop: "prepareStop"
        case .signal(_, .fast): "signal fast"
        case .signal(_, .immediate): "signal immediate"
        case .armStopDeadline: "armStopDeadline"
        case .finishStop: "finishStop"
        case .markBroken: "markBroken"
        case .clearBroken: "clearBroken"
        case .checkCause: "checkCause"
        case .remove: "remove"
        }
    }

    static func text(_ state: InstanceMachine.State) -> String {
        switch state {
        case .absent: "absent"
        case .creating: "creating"
        case .stopped: "stopped"
        case .starting(let starting): "starting: \(starting.phase)"
        case .recovering: "recovering"
        case .running: "running"
        case .stopping(let stopping): "stopping: \(stopping.phase)" + (stopping.idle && stopping.phase == .preparing ? ", idle" : "")
        case .deleting: "deleting"
        case .broken: "broken"
        }
    }

    /// Rows only where something happens: another state, or an action.
    static func rows() -> [String] {
        var rows: [String] = []
        for (stateName, state) in states {
            for (eventName, event) in events {
                var machine = machine(state)
                let actions = machine.apply(event, now: 0)
                let after = text(machine.state)
                guard after != stateName || !actions.isEmpty || machine.state != state else { continue }
                let done = actions.isEmpty ? "–" : actions.map { text($0) }.joined(separator: ", ")
                rows.append("| \(stateName) | \(eventName) | \(after == stateName ? "same" : after) | \(done) |")
            }
        }
        return rows
    }

    @Test func codeAndDocumentAgree() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/instance-machine.md").standardized
        let text = try String(contentsOf: path, encoding: .utf8)
        let (begin, end) = ("<!-- table -->\n", "<!-- end of table -->")
        let from = try #require(text.range(of: begin))
        let to = try #require(text.range(of: end))
        let heading = "| state | event | then | actions |\n|---|---|---|---|\n"
        let table = heading + InstanceMachineTable.rows().joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["DEVDB_WRITE_DOCS"] == "1" {
            try text.replacingCharacters(in: from.upperBound..<to.lowerBound, with: table).write(
                to: path, atomically: true, encoding: .utf8)
            return
        }
        #expect(String(text[from.upperBound..<to.lowerBound]) == table, "run with DEVDB_WRITE_DOCS=1 and look at the difference")
    }

    /// Every arrow of the drawing is a transition of the code, and the other way round.
    @Test func codeAndDrawingAgree() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/instance-machine.md").standardized
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        var drawn: Set<String> = []
        for line in lines where line.contains(" --> ") {
            let ends = line.split(separator: ":")[0].components(separatedBy: " --> ")
            drawn.insert(ends[0].trimmingCharacters(in: .whitespaces) + " " + ends[1].trimmingCharacters(in: .whitespaces))
        }
        var coded: Set<String> = []
        for (_, state) in InstanceMachineTable.states {
            // With somebody waiting and with nobody: both ways out of a state count.
            for state in [state, InstanceMachineTable.emptied(state)] {
                for (_, event) in InstanceMachineTable.events {
                    var machine = InstanceMachineTable.machine(state)
                    let before = machine.publicState
                    _ = machine.apply(event, now: 0)
                    if machine.publicState != before { coded.insert("\(before.rawValue) \(machine.publicState.rawValue)") }
                }
            }
        }
        #expect(coded == drawn, "not drawn: \(coded.subtracting(drawn).sorted()), not coded: \(drawn.subtracting(coded).sorted())")
    }

    static func emptied(_ state: InstanceMachine.State) -> InstanceMachine.State {
        switch state {
        case .creating: .creating(clients: [])
        case .starting(var starting):
            {
                starting.clients = []
                return .starting(starting)
            }()
        case .recovering: .recovering(.init(clients: []))
        case .stopping(var stopping):
            {
                stopping.clients = []
                return .stopping(stopping)
            }()
        case .broken(let broken): .broken(.init(failure: broken.failure))
        case .absent, .stopped, .running, .deleting: state
        }
    }

    /// Whoever comes in leaves by exactly one answer or is still held.
    @Test func nobodyIsForgottenInAnyStep() {
        for (stateName, state) in InstanceMachineTable.states {
            for (eventName, event) in InstanceMachineTable.events {
                var machine = InstanceMachineTable.machine(state)
                var expected = machine.waiting
                switch event {
                case .clientArrived(let waiter), .removeAsked(let waiter), .stopAsked(let waiter?): expected.append(waiter)
                case .clientLeft(let waiter): expected.removeAll { $0 == waiter && machine.publicState != .deleting }
                default: break
                }
                var seen = [Waiter]()
                for action in machine.apply(event, now: 0) {
                    switch action {
                    case .release(let waiters), .answer(let waiters), .refuse(let waiters, _): seen += waiters
                    default: break
                    }
                }
                seen += machine.waiting
                #expect(
                    seen.sorted { $0.number < $1.number } == expected.sorted { $0.number < $1.number }, "\(eventName) in \(stateName)")
            }
        }
    }
}
