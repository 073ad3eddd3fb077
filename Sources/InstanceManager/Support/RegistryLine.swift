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
    private var waiting: [Turn] = []

    /// A place in the line.
    private final class Turn: @unchecked Sendable {
        // Both on the loop's thread alone.
        private var hasCome = false
        private var continuation: CheckedContinuation<Void, Never>?

        func wait() async {
            guard !hasCome else { return }
            await withCheckedContinuation { continuation = $0 }
        }

        func come() {
            hasCome = true
            continuation?.resume()
        }
    }

    init(loop: Loop, registry: Registry) {
        self.loop = loop
        self.registry = registry
    }

    func run<T: Sendable>(_ work: @escaping @Sendable (Registry) throws(DevError) -> T) async throws(DevError) -> T {
        try await run(work, on: take())
    }

    /// The same without waiting for it: the place in the line is taken before this returns. On the loop only.
    nonisolated func begin<T: Sendable>(_ work: @escaping @Sendable (Registry) throws(DevError) -> T) -> Task<Result<T, DevError>, Never> {
        let turn = assumeIsolated { $0.take() }
        return Task(executorPreference: loop) {
            do throws(DevError) { return .success(try await self.run(work, on: turn)) } catch { return .failure(error) }
        }
    }

    /// nil: at once.
    private func take() -> Turn? {
        guard busy else {
            busy = true
            return nil
        }
        let turn = Turn()
        waiting.append(turn)
        return turn
    }

    private func run<T: Sendable>(
        _ work: @escaping @Sendable (Registry) throws(DevError) -> T, on turn: Turn?
    ) async throws(DevError) -> T {
        await turn?.wait()
        // The turn is passed on without becoming free, so that nobody slips in between.
        defer {
            if waiting.isEmpty { busy = false } else { waiting.removeFirst().come() }
        }
        let registry = registry
        return try await loop.blocking { () throws(DevError) -> T in try work(registry) }
    }
}
