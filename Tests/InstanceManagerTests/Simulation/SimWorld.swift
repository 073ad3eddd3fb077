import Basics
import Foundation
import Registry

@testable import InstanceManager

/// The machine that owners are simulated on: one data directory, its processes, a registry. It outlives daemons.
/// On the simulation's thread only.
final class SimWorld: @unchecked Sendable {
    final class Process {
        let pid: Int32
        var alive = true
        var status = ServerStatus.starting
        /// It will not end on SIGINT alone.
        var stubborn = false
        var stopping = false
        var cleanExit = false
        init(pid: Int32) { self.pid = pid }
    }

    let executor: SimExecutor
    var record: InstanceRecord?
    var intents: [Int64: IntentRecord.Kind] = [:]
    var nextIntent: Int64 = 1
    var processes: [Process] = []
    var cause = 0
    /// Nothing fails any more: the end of a schedule.
    var calm = false
    /// What is wrong, first thing first.
    var violations: [String] = []
    /// Those who wait for a process to change.
    var watchers: [CheckedContinuation<Void, Never>] = []
    /// When a server failed that nobody had asked to stop, since the budget was new.
    var failures: [Double] = []
    /// A stop has begun; how the server ends does not count.
    var stopBegun = false
    var spawns = 0

    init(executor: SimExecutor, record: InstanceRecord) {
        self.executor = executor
        self.record = record
    }

    var living: Process? { processes.last { $0.alive } }

    /// Set by `DEVDB_SIM_TRACE`: prints what happens.
    static let isTraced = ProcessInfo.processInfo.environment["DEVDB_SIM_TRACE"] != nil

    func note(_ what: @autoclosure () -> String) {
        if SimWorld.isTraced { print(executor.now, what()) }
    }

    func end(intent: Int64) {
        intents[intent] = nil
        note("end of intent \(intent)")
    }

    func violated(_ what: String) { violations.append("\(what) at \(executor.now)") }

    func changed() {
        let woken = watchers
        watchers = []
        for watcher in woken { watcher.resume() }
    }

    func begin(_ kind: IntentRecord.Kind) -> Int64 {
        defer { nextIntent += 1 }
        intents[nextIntent] = kind
        note("begin \(kind) \(nextIntent)")
        return nextIntent
    }

    /// A launch is about to happen.
    func noteLaunch() {
        let recent = failures.filter { $0 > executor.now - RestartBudget.window }.count
        if recent > RestartBudget.restarts { violated("a start after \(recent) failures in \(RestartBudget.window) s") }
    }

    func freshBudget() {
        failures = []
    }

    func spawn() -> Process {
        if processes.contains(where: \.alive) { violated("two postmasters for one data directory") }
        spawns += 1
        note("spawn \(1000 + spawns)")
        stopBegun = false
        let process = Process(pid: Int32(1000 + spawns))
        processes.append(process)
        process.stubborn = !calm && executor.random.chance(3)
        let slow = !calm && executor.random.chance(5)
        if !calm, executor.random.chance(8) {
            executor.after(executor.random.between(0.001, 0.2)) { self.end(process, clean: false) }
        }
        if slow {
            executor.after(1) { self.turn(process, .recovering) }
            executor.after(executor.random.between(2, 400)) { self.turn(process, self.ready(process)) }
        } else {
            executor.after(executor.random.between(0.01, 0.1)) { self.turn(process, self.ready(process)) }
        }
        return process
    }

    private func ready(_ process: Process) -> ServerStatus {
        .ready(Endpoint(socketDirectory: "/run", socketPath: "/run/\(process.pid)", passage: .handoff))
    }

    func turn(_ process: Process, _ status: ServerStatus) {
        guard process.alive, !process.stopping else { return }
        process.status = status
        changed()
    }

    func end(_ process: Process, clean: Bool) {
        guard process.alive else { return }
        note("server \(process.pid) ends \(clean ? "in order" : "badly")")
        process.alive = false
        process.cleanExit = clean
        process.status = .ended
        if !clean, !stopBegun { failures.append(executor.now) }
        changed()
    }

    /// A backend is killed: the postmaster starts all anew by itself.
    func crashBackend() {
        guard let process = living, case .ready = process.status else { return }
        turn(process, .recovering)
        executor.after(executor.random.between(0.01, 3)) { self.turn(process, self.ready(process)) }
    }

    func signal(_ pid: Int32, immediate: Bool) {
        guard let process = processes.first(where: { $0.pid == pid }), process.alive else { return }
        process.stopping = true
        if immediate {
            executor.after(executor.random.between(0.001, 0.1)) { self.end(process, clean: false) }
        } else if !process.stubborn {
            executor.after(executor.random.between(0.005, 0.05)) { self.end(process, clean: true) }
        }
    }
}
