import Basics
import Foundation
import InstanceManager
import Loop
import Registry
import TestSupport
import Testing

@testable import Front

/// One cell of the matrix that the whole suite runs over.
struct Variant: Sendable, CustomTestStringConvertible {
    enum Mode: String, Sendable, CaseIterable { case handoff, marked, unmarked }
    var mode: Mode
    var postgres: PostgresInstallation
    var testDescription: String { "\(mode.rawValue) on \(postgres)" }

    /// Hand-off needs a library, which only Linux has.
    static let modes: [Mode] = TestLibrary.exists ? Mode.allCases : [.unmarked]
    /// Two majors for the whole suite; newer ones have their turn in a test of their own.
    static let all = matrix(PostgresInstallation.all.filter { $0.major < 17 })
    static let newer = matrix(PostgresInstallation.all.filter { $0.major >= 17 })

    private static func matrix(_ installations: [PostgresInstallation]) -> [Variant] {
        installations.flatMap { postgres in modes.map { Variant(mode: $0, postgres: postgres) } }
    }

    var passage: Passage {
        switch mode {
        case .handoff: .handoff
        case .marked: .pump(marked: true, reason: "test")
        case .unmarked: .pump(marked: false, reason: "test")
        }
    }
}

/// Stands in for `InstanceManager`: one cluster that can be put to sleep.
actor FakeInstances: FrontInstances {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    let cluster: PostgresCluster
    let passage: Passage
    var record: InstanceRecord
    private(set) var state = InstanceState.running
    private(set) var wakes = 0
    private(set) var sessions = 0
    private(set) var began = 0
    /// What the next calls of `endpoint` throw.
    var failure: DevError?
    /// Answers `endpoint` with the address although the server is not there, as for a moment after its end.
    var blind = 0

    init(_ loop: Loop, _ cluster: PostgresCluster, _ passage: Passage, _ record: InstanceRecord) {
        self.loop = loop
        self.cluster = cluster
        self.passage = passage
        self.record = record
    }

    private var address: Endpoint {
        Endpoint(socketDirectory: cluster.socketDirectory, socketPath: cluster.socketPath, passage: passage)
    }

    func loginFacts(_ id: String) -> LoginFacts? {
        LoginFacts(record: record, state: state, endpoint: state == .running ? address : nil)
    }

    nonisolated func awake(_ id: String) -> (endpoint: Endpoint, mainDatabase: String)? {
        loop.isolated(self) { own in
            // What else the tests arrange is `endpoint`'s to answer.
            guard own.state == .running, own.failure == nil, own.blind == 0, !own.isHeld else { return nil }
            return (own.address, own.record.mainDatabase)
        }
    }

    func endpoint(_ id: String) async throws(DevError) -> Endpoint {
        if let failure { throw failure }
        if isHeld {
            isWaitedFor = true
            changed()
            await withTaskCancellationHandler {
                await until { !self.isHeld || Task.isCancelled }
            } onCancel: {
                Task { await self.changed() }
            }
            guard !Task.isCancelled else { throw DevError(.cancelled, "The caller left", object: id) }
        }
        if blind > 0 {
            blind -= 1
            if blind == 0, sleepsAfterwards { state = .stopped }
            changed()
            return address
        }
        if state != .running {
            if starting == nil {
                wakes += 1
                state = .starting
                starting = Task { try? await self.cluster.restart() }
            }
            await starting?.value
            starting = nil
            state = .running
            record.verifierFresh = false
        }
        return address
    }
    private var starting: Task<Void, Never>?

    func ownerVerifier(_ id: String) async throws(DevError) -> Secret? {
        do { return Secret(try await verifier("postgres")) } catch {
            throw DevError(.postgres, "PostgreSQL refused", object: id, cause: "\(error)")
        }
    }

    func verifier(_ role: String) async throws -> String {
        try await cluster.sql("select rolpassword from pg_authid where rolname = '\(role)'")
    }

    func mockNonce(_ id: String) -> [UInt8]? { ControlFile.mockNonce(cluster.dataDirectory) }

    func stopEnded(_ id: String) async {
        guard state == .stopping else { return }
        isWaitedFor = true
        changed()
        await until { state != .stopping }
    }

    /// The instance is on its way down until `sleep`.
    func beginStop() { state = .stopping }

    func shadowDatabase(_ id: String) async throws(DevError) -> String {
        _ = try await endpoint(id)
        _ = try? await cluster.sql("create database devdb_shadow template template0")
        return "devdb_shadow"
    }

    nonisolated func sessionChanged(_ id: String, began: Bool) {
        loop.isolated(self) { own in
            own.sessions += began ? 1 : -1
            if began { own.began += 1 }
            own.changed()
        }
    }

    private var waiters: [CheckedContinuation<Void, Never>] = []

    private func changed() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await withCheckedContinuation { waiters.append($0) } }
    }

    /// Waits until so many sessions are open, of so many in all.
    func sessions(_ count: Int, of total: Int) async { await until { sessions == count && began == total } }
    /// Waits until somebody waits for what is held.
    func waitedFor() async { await until { isWaitedFor } }
    /// Waits until nobody is told of an address any more behind which there is no server.
    func seeing() async { await until { blind == 0 } }

    func sleep() async throws {
        record.verifier = Secret(try await verifier("postgres"))
        record.roles = try await cluster.sql("select rolname from pg_authid where rolcanlogin or rolpassword is not null").split(
            separator: "\n"
        ).map(String.init)
        try await cluster.stop()
        record.verifierFresh = true
        state = .stopped
        changed()
    }

    func set(_ record: InstanceRecord) { self.record = record }
    func fail(_ error: DevError?) { failure = error }
    func beBlind(_ count: Int, thenAsleep: Bool = false) {
        blind = count
        sleepsAfterwards = thenAsleep
        state = .running
    }
    private var sleepsAfterwards = false
    func forget() { record.verifierFresh = false }

    private var isHeld = false
    private var isWaitedFor = false
    /// Lets `endpoint` wait, until `letGo`.
    func hold() { isHeld = true }
    func letGo() {
        isHeld = false
        changed()
    }
}

/// A front on a loop of its own before a throw-away server.
struct FrontHarness: Sendable {
    let cluster: PostgresCluster
    let instances: FakeInstances
    let front: Front
    let loop: Loop
    let port: UInt16
    let shadowPort: UInt16
    let logged: LogLines

    static func with(
        _ variant: Variant, limits: FrontLimits = FrontLimits(), settings: [String: String] = [:],
        _ body: @Sendable (FrontHarness) async throws -> Void
    ) async throws {
        await Gate.shared.enter()
        defer { Gate.shared.leave() }
        let library: String? = variant.mode == .unmarked ? nil : TestLibrary.path
        let cluster = try await PostgresCluster.start(variant.postgres, preload: library, settings: settings)
        let loop = try Loop()
        let thread = try LoopThread.start(loop)
        let lines = LogLines()
        var record = InstanceRecord(
            id: "0123abcd", name: .default, pgVersion: "\(variant.postgres.major).1", pgBin: variant.postgres.bin,
            password: Secret(PostgresCluster.password),
            createdAt: 1)
        let instances = FakeInstances(loop, cluster, variant.passage, record)
        let front = Front(
            loop: loop, instances: instances, limits: limits,
            log: Log(level: .debug) { _, line in lines.append(line) })
        var ports: [UInt16] = []
        // A port may be taken between the look and the bind.
        for attempt in 0..<20 {
            ports = try freePorts(2)
            record.ports = [PortRecord(kind: .main, port: ports[0]), PortRecord(kind: .shadow, port: ports[1])]
            do {
                try await front.bind(record)
                break
            } catch {
                if attempt == 19 { throw error }
            }
        }
        await instances.set(record)
        let harness = FrontHarness(
            cluster: cluster, instances: instances, front: front, loop: loop, port: ports[0], shadowPort: ports[1], logged: lines)
        do {
            try await body(harness)
        } catch {
            print(lines.text, cluster.log.suffix(3_000))
            await front.close(within: .zero)
            loop.stop()
            await thread.value
            throw error
        }
        await front.close(within: .zero)
        loop.stop()
        await thread.value
    }

    private init(
        cluster: PostgresCluster, instances: FakeInstances, front: Front, loop: Loop, port: UInt16, shadowPort: UInt16, logged: LogLines
    ) {
        self.cluster = cluster
        self.instances = instances
        self.front = front
        self.loop = loop
        self.port = port
        self.shadowPort = shadowPort
        self.logged = logged
    }

    func url(
        user: String = "postgres", password: String = PostgresCluster.password, database: String = "postgres", port: UInt16? = nil,
        host: String = "127.0.0.1", parameters: String = ""
    ) -> String {
        "postgres://\(user):\(password)@\(host):\(port ?? self.port)/\(database)?connect_timeout=30\(parameters)"
    }

    func psql(_ url: String, _ sql: String..., options: [String] = []) async throws -> CommandResult {
        try await Command.run(
            "psql", ["-XqAt", "-v", "ON_ERROR_STOP=1"] + options + [url] + sql.flatMap { ["-c", $0] })
    }

    /// - Returns: what it printed, without the final line end.
    func query(_ sql: String, url: String? = nil) async throws -> String {
        let result = try await psql(url ?? self.url(), sql)
        guard result.status == 0 else { throw TestFailure(result.errors) }
        return result.output.trimmingCharacters(in: .newlines)
    }
}

/// Ports that are free on both loopback addresses now.
func freePorts(_ count: Int) throws(DevError) -> [UInt16] {
    var result: [UInt16] = []
    var held: [Int32] = []
    while result.count < count {
        let four = try Listener.tcp(address: "127.0.0.1", port: 0)
        held.append(four.descriptor)
        guard let six = try? Listener.tcp(address: "::1", port: four.port) else { continue }
        held.append(six.descriptor)
        result.append(four.port)
    }
    for descriptor in held { close(descriptor) }
    return result
}

final class LogLines: @unchecked Sendable {
    // The condition's lock protects the lines.
    private let condition = NSCondition()
    private var lines: [String] = []

    func append(_ line: String) {
        condition.withLock {
            lines.append(line)
            condition.broadcast()
        }
    }

    var text: String { condition.withLock { lines.joined(separator: "\n") } }

    /// Waits until a line with this text is there. Blocks.
    func wait(for text: String, seconds: Double = 20) throws {
        let end = Date(timeIntervalSinceNow: seconds)
        try condition.withLock {
            while !lines.contains(where: { $0.contains(text) }) {
                guard condition.wait(until: end) else { throw TestFailure("\"\(text)\" is not logged, but: \(lines)") }
            }
        }
    }
}

/// Lets a few servers run at a time: Swift Testing would start all cases at once.
final class Gate: @unchecked Sendable {
    static let shared = Gate()
    // The lock protects both.
    private let lock = NSLock()
    private var places = 3
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = lock.withLock {
                if places > 0 {
                    places -= 1
                    return true
                }
                waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func leave() {
        let next = lock.withLock { () -> CheckedContinuation<Void, Never>? in
            if waiting.isEmpty {
                places += 1
                return nil
            }
            return waiting.removeFirst()
        }
        next?.resume()
    }
}
