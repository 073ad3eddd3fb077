import Basics
import Testing

@testable import InstanceManager

@Suite struct InstanceMachineTests {
    let a = Waiter(number: 1)
    let b = Waiter(number: 2)
    let crash = ServerFailure(error: DevError(.startFailed, "crashed", object: "m"), permanent: false)
    let wrong = ServerFailure(error: DevError(.startFailed, "a bad setting", object: "m"), permanent: true)

    func machine(_ state: InstanceMachine.State) -> InstanceMachine { InstanceMachine(name: "m", state: state) }

    /// As after a start that one client caused.
    func running() -> InstanceMachine {
        var machine = machine(.stopped)
        _ = machine.apply(.clientArrived(a), now: 0)
        _ = machine.apply(.launched(attempt: 1), now: 0)
        _ = machine.apply(.becameReady(attempt: 1), now: 0)
        return machine
    }

    @Test func oneStartHoweverManyWait() {
        var machine = machine(.stopped)
        #expect(machine.apply(.clientArrived(a), now: 0) == [.launch(attempt: 1)])
        #expect(machine.apply(.clientArrived(b), now: 0) == [])
        #expect(machine.apply(.launched(attempt: 1), now: 0) == [])
        #expect(machine.apply(.becameReady(attempt: 1), now: 0) == [.release([a, b]), .armIdleDeadline(attempt: 1)])
        #expect(machine.state == .running)
    }

    @Test func slownessInRecoveryIsNoFailure() {
        var machine = machine(.stopped)
        _ = machine.apply(.clientArrived(a), now: 0)
        _ = machine.apply(.launched(attempt: 1), now: 0)
        #expect(machine.apply(.recoveryNoticed(attempt: 1), now: 3600) == [])
        #expect(machine.publicState == .recovering)
        #expect(machine.apply(.becameReady(attempt: 1), now: 7200).contains(.release([a])))
    }

    @Test func aDeadServerComesBackWithinTheBudget() {
        var machine = running()
        var launches = 0
        for _ in 0..<RestartBudget.restarts {
            for action in machine.apply(.exited(attempt: machine.attempt, clean: false, failure: crash), now: 10) {
                switch action {
                case .launch: launches += 1
                case .delayLaunch(let attempt, let seconds):
                    #expect(seconds > 0 && seconds < 1)
                    #expect(machine.apply(.retryDelayPassed(attempt: attempt), now: 10) == [.launch(attempt: attempt + 1)])
                    launches += 1
                default: Issue.record("\(action)")
                }
            }
            _ = machine.apply(.launched(attempt: machine.attempt), now: 10)
            _ = machine.apply(.becameReady(attempt: machine.attempt), now: 10)
        }
        #expect(launches == 5)
        let last = machine.apply(.exited(attempt: machine.attempt, clean: false, failure: crash), now: 10)
        guard case .markBroken(let failure)? = last.first, last.count == 1 else {
            Issue.record("\(last)")
            return
        }
        #expect(machine.publicState == .broken)
        // It says that it is the budget, what is behind it, and what helps.
        let error = failure.error
        #expect(error.message.contains("6 times within 300 s") && error.cause == "crashed" && error.help?.contains("dev start m") == true)
        // By itself it has another try only when the window has moved on.
        #expect(machine.apply(.clientArrived(a), now: 200) == [.checkCause])
        #expect(machine.apply(.causeChecked(changed: false), now: 200) == [.refuse([a], error)])
        #expect(machine.apply(.clientArrived(b), now: 311) == [.checkCause])
        #expect(machine.apply(.causeChecked(changed: false), now: 311) == [.clearBroken, .launch(attempt: machine.attempt)])
    }

    @Test func theBudgetComesBackWithTime() {
        var budget = RestartBudget()
        for _ in 0..<RestartBudget.restarts { #expect(budget.spend(now: 0) != nil) }
        #expect(budget.spend(now: 299) == nil)
        #expect(budget.spend(now: 600) == 0)
    }

    @Test func aBadSettingIsNotTriedAgainUntilSomethingChanges() {
        var machine = machine(.stopped)
        _ = machine.apply(.clientArrived(a), now: 0)
        _ = machine.apply(.launched(attempt: 1), now: 0)
        #expect(
            machine.apply(.exited(attempt: 1, clean: false, failure: wrong), now: 0) == [.refuse([a], wrong.error), .markBroken(wrong)])
        #expect(machine.apply(.clientArrived(b), now: 1) == [.checkCause])
        #expect(machine.apply(.causeChecked(changed: false), now: 1) == [.refuse([b], wrong.error)])
        #expect(machine.apply(.clientArrived(b), now: 2) == [.checkCause])
        #expect(machine.apply(.causeChecked(changed: true), now: 2) == [.clearBroken, .launch(attempt: 2)])
    }

    @Test func whatTheDaemonCouldNotDoIsNotTheServersFailure() {
        var machine = machine(.stopped)
        let ours = ServerFailure(error: DevError(.descriptors, "none left", object: "m"), permanent: false, isDaemons: true)
        for attempt in 1...20 {
            #expect(machine.apply(.clientArrived(a), now: 0) == [.launch(attempt: attempt)])
            #expect(machine.apply(.launchFailed(attempt: attempt, ours), now: 0) == [.refuse([a], ours.error)])
        }
        #expect(machine.state == .stopped)
    }

    @Test func anIdleStopIsCalledOffByAClient() {
        var machine = running()
        #expect(machine.apply(.idleDeadlinePassed(attempt: 1), now: 600) == [.askIdleness(attempt: 1)])
        #expect(
            machine.apply(.idlenessAnswered(attempt: 1, idle: true), now: 600)
                == [.prepareStop(attempt: 1, number: 1, checkpoint: true)])
        #expect(machine.apply(.clientArrived(b), now: 600) == [.release([b]), .armIdleDeadline(attempt: 1)])
        // What was prepared comes late.
        #expect(machine.apply(.stopPrepared(number: 1), now: 600) == [])
        #expect(machine.state == .running)
    }

    @Test func aStopHoldsClientsAndBringsItUpAgain() {
        var machine = running()
        _ = machine.apply(.stopAsked(b), now: 0)
        #expect(machine.apply(.clientArrived(a), now: 0) == [])
        #expect(machine.apply(.stopPrepared(number: 1), now: 0) == [.signal(attempt: 1, .fast), .armStopDeadline(number: 1)])
        #expect(machine.apply(.exited(attempt: 1, clean: true, failure: crash), now: 0) == [.finishStop(number: 1)])
        #expect(machine.apply(.stopFinished(number: 1), now: 0) == [.answer([b]), .launch(attempt: 2)])
        #expect(machine.waiting == [a])
    }

    @Test func theLadderEndsAtImmediate() {
        var machine = running()
        _ = machine.apply(.stopAsked(b), now: 0)
        _ = machine.apply(.stopPrepared(number: 1), now: 0)
        #expect(
            machine.apply(.stopDeadlinePassed(number: 1), now: 60) == [.signal(attempt: 1, .immediate), .armStopDeadline(number: 1)])
        let last = machine.apply(.stopDeadlinePassed(number: 1), now: 120)
        guard case .refuse([b], let error)? = last.first, last.count == 1 else {
            Issue.record("\(last)")
            return
        }
        #expect(error.code == .timedOut)
        #expect(machine.publicState == .stopping)
    }

    @Test func aStopDuringTheLaunchWaitsForTheProcess() {
        var machine = machine(.stopped)
        _ = machine.apply(.clientArrived(a), now: 0)
        #expect(machine.apply(.stopAsked(b), now: 0) == [])
        #expect(machine.apply(.launched(attempt: 1), now: 0) == [.signal(attempt: 1, .fast), .armStopDeadline(number: 1)])
    }

    @Test func whatRunsIsNotRemoved() {
        var machine = running()
        guard case .refuse([b], let error)? = machine.apply(.removeAsked(b), now: 0).first else {
            Issue.record("not refused")
            return
        }
        #expect(error.code == .running)
    }

    @Test func lateEventsOfAnEarlierServerAreIgnored() {
        var machine = running()
        _ = machine.apply(.exited(attempt: 1, clean: false, failure: crash), now: 0)
        let state = machine.state
        #expect(machine.apply(.exited(attempt: 1, clean: false, failure: crash), now: 0) == [])
        #expect(machine.apply(.becameReady(attempt: 1), now: 0) == [])
        #expect(machine.state == state)
    }
}
