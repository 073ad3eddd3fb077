internal import Basics
internal import Loop
internal import Registry

/// Registry calls one after the other, in the order in which they were asked for: two saves of one record must not
/// overtake each other on the pool's threads.
actor RegistryLine {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let registry: Registry
    private var busy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(loop: Loop, registry: Registry) {
        self.loop = loop
        self.registry = registry
    }

    func run<T: Sendable>(_ work: @escaping @Sendable (Registry) throws(DevError) -> T) async throws(DevError) -> T {
        if busy {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            busy = true
        }
        // The turn is passed on without becoming free, so that nobody slips in between.
        defer {
            if waiting.isEmpty { busy = false } else { waiting.removeFirst().resume() }
        }
        let registry = registry
        return try await loop.blocking { () throws(DevError) -> T in try work(registry) }
    }
}
