internal import Basics
internal import InstanceManager
internal import Loop

/// Deletes what has been in the trash long enough. One timer, for the next deadline; none while the trash is empty.
actor Housekeeper {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let manager: InstanceManager
    private let log: Log
    private let wall: @Sendable () -> Double
    private var waiting: Task<Void, Never>?
    private var isClosed = false

    init(loop: Loop, manager: InstanceManager, log: Log, wall: @escaping @Sendable () -> Double) {
        self.loop = loop
        self.manager = manager
        self.log = log
        self.wall = wall
    }

    /// Sweeps, and sets the timer; call it also when something has gone to the trash.
    func look() async {
        waiting?.cancel()
        waiting = nil
        let next: Double?
        do {
            next = try await manager.sweepTrash()
        } catch {
            // Tried again when the next thing is removed, and by the next daemon.
            log.warning("trash", ["error": error])
            return
        }
        guard let next, !isClosed, waiting == nil else { return }
        let pause = min(max(next - wall(), 60), 366 * 86_400)
        waiting = loop.task { await self.wait(pause) }
    }

    func close() {
        isClosed = true
        waiting?.cancel()
    }

    private func wait(_ seconds: Double) async {
        do { try await loop.clock.sleep(for: .seconds(seconds)) } catch { return }
        waiting = nil
        await look()
    }
}
