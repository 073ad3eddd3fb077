import Basics
import Foundation
import HandoffImage
import Loop
import PostgresSession
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// A home of its own with a manager on a loop of its own; at the end, however it ends, all servers are stopped and the
/// home is removed. `DEVDB_KEEP=1` keeps it.
///
///     try await ManagerFixture.run { fixture in
///         let record = try await fixture.manager.create(NewInstance(name: .default))
///     }
final class ManagerFixture: Sendable {
    let loop: Loop
    let layout: HomeLayout
    let binder: FakeBinder
    let manager: InstanceManager
    let log: Log
    /// Rings at each line of the log.
    private let bell: Bell
    private let lock = Lock()
    /// Servers that are this process's children and that no manager waits for any more.
    nonisolated(unsafe) private var handedOver: [Int32] = []  // protected by `lock`

    /// Binds nothing: what is `taken` is refused.
    final class FakeBinder: PortBinder {
        private let lock = Lock()
        nonisolated(unsafe) private var taken: Set<UInt16> = []  // protected by `lock`
        nonisolated(unsafe) private var bound: [String: [UInt16]] = [:]  // protected by `lock`

        func take(_ ports: Set<UInt16>) { lock.withLock { taken = ports } }
        var open: [String: [UInt16]] { lock.withLock { bound } }

        func bind(_ record: InstanceRecord) async throws(DevError) {
            let ports = record.ports.map(\.port)
            let refused = lock.withLock { () -> UInt16? in
                if let port = ports.first(where: taken.contains) { return port }
                bound[record.id] = ports
                return nil
            }
            if let refused { throw DevError(.portTaken, "Port \(refused) is taken", object: String(refused)) }
        }

        func bindAvailable(_ record: InstanceRecord) async -> [DevError] {
            let missing = lock.withLock { () -> [UInt16] in
                bound[record.id] = record.ports.map(\.port).filter { !taken.contains($0) }
                return record.ports.map(\.port).filter(taken.contains)
            }
            return missing.map { DevError(.portTaken, "Port \($0) is taken", object: String($0)) }
        }

        func release(_ id: String) async { lock.withLock { bound[id] = nil } }
    }

    private init(
        loop: Loop, layout: HomeLayout, binder: FakeBinder, log: Log, bell: Bell, environment: [String: String], ahead: Bool,
        library: Bool = true
    ) throws {
        self.loop = loop
        self.layout = layout
        self.binder = binder
        self.log = log
        self.bell = bell
        let user = try ServersUser.resolve(environment: environment)
        var support = HandoffSupport(path: nil, reason: "a test without the library")
        if library {
            let path = layout.library + "/handoff.so"
            try FileManager.default.createDirectory(atPath: layout.library, withIntermediateDirectories: true)
            chmod(layout.library, 0o755)
            // A server that runs has it mapped: writing over it would kill that server.
            if !FileManager.default.fileExists(atPath: path) { try Data(HandoffLibrary.image).write(to: URL(filePath: path)) }
            chmod(path, 0o644)
            support.path = path
        }
        manager = InstanceManager(
            loop: loop, registry: try Registry(path: layout.registry),
            configuration: ManagerConfiguration(
                layout: layout, environment: environment, user: user, library: support, log: log,
                preparesAhead: ahead, pauseBeforeWork: .zero))
    }

    /// - Parameters:
    ///   - environment: beside PATH.
    ///   - ahead: templates and spares are made in the background.
    static func run(
        environment: [String: String] = [:], ahead: Bool = false, library: Bool = true,
        _ body: @escaping @Sendable (ManagerFixture) async throws -> Void
    ) async throws {
        let root = "/tmp/devdb-manager-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        let layout = HomeLayout(root: root)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        chmod(root, geteuid() == 0 ? 0o711 : 0o700)
        let verbose = ProcessInfo.processInfo.environment["DEVDB_LOG"] == "debug"
        let bell = Bell()
        let log = Log(level: .debug) { level, line in
            if verbose { print(level, line) }
            bell.ring()
        }
        let values = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
        try await LoopThread.run { loop in
            let fixture = try ManagerFixture(
                loop: loop, layout: layout, binder: FakeBinder(), log: log, bell: bell, environment: values, ahead: ahead, library: library)
            do {
                try await fixture.manager.start(binder: fixture.binder)
                try await body(fixture)
            } catch {
                await fixture.tearDown()
                throw error
            }
            await fixture.tearDown()
        }
    }

    private func tearDown() async {
        await manager.shutdown(stopServers: true)
        let pids = lock.withLock { handedOver }
        try? await onOwnThread {
            for pid in pids {
                try Wait.end(of: pid, seconds: 10)
                waitpid(pid, nil, WNOHANG)
            }
        }
        if ProcessInfo.processInfo.environment["DEVDB_KEEP"] == nil { try? FileManager.default.removeItem(atPath: layout.root) }
        if layout.sockets != layout.root + "/run" { try? FileManager.default.removeItem(atPath: layout.sockets) }
    }

    /// The next daemon of the same home: the first one lets go as if it had died, its servers live.
    func nextDaemon() async throws -> ManagerFixture {
        let pids = await manager.list().compactMap(\.pid)
        lock.withLock { handedOver += pids }
        await manager.shutdown(stopServers: false)
        let next = try ManagerFixture(
            loop: loop, layout: layout, binder: binder, log: log, bell: bell, environment: ["PATH": "/usr/bin:/bin"], ahead: false)
        try await next.manager.start(binder: binder)
        return next
    }

    /// Wakes it and asks one question.
    @discardableResult
    func query(_ id: String, _ sql: String, database: String = "postgres") async throws -> String? {
        let endpoint = try await manager.endpoint(id)
        let session = try await Session.connect(
            loop: loop, ["host": endpoint.socketDirectory, "port": "5432", "user": "postgres", "dbname": database],
            timeout: .seconds(10))
        defer { session.close() }
        return try await session.query(sql).rows.first?.first ?? nil
    }

    func status(_ id: String) async throws -> InstanceStatus { try #require(await manager.status(id: id)) }

    /// Waits for a state, at most so long: each change is logged.
    func wait(for id: String, seconds: Double = 10, _ condition: (InstanceStatus) -> Bool) async throws {
        let (rings, continuation) = bell.listen()
        let clock = loop.clock
        let bound = loop.task {
            try? await clock.sleep(for: .seconds(seconds))
            continuation.finish()
        }
        defer { bound.cancel() }
        if let status = await manager.status(id: id), condition(status) { return }
        for await _ in rings {
            if let status = await manager.status(id: id), condition(status) { return }
        }
        Issue.record("it did not happen in \(seconds) s: \(String(describing: await manager.status(id: id)))")
    }
}

/// Tells everybody who listens that something happened.
private final class Bell: Sendable {
    private let lock = Lock()
    nonisolated(unsafe) private var listeners: [AsyncStream<Void>.Continuation] = []  // protected by `lock`

    func ring() { lock.withLock { for listener in listeners { listener.yield() } } }

    func listen() -> (AsyncStream<Void>, AsyncStream<Void>.Continuation) {
        let (rings, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        lock.withLock { listeners.append(continuation) }
        return (rings, continuation)
    }
}
