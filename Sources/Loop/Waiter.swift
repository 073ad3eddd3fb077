/// One place at which a task waits for an event of the loop, used again and again. At most one task at a time.
///
/// `@unchecked Sendable`: confined to the loop's thread; others only pass it to `Loop.perform`.
final class Waiter: @unchecked Sendable {
    enum Outcome: Sendable { case ready, cancelled }

    private var continuation: UnsafeContinuation<Outcome, Never>?
    /// Tells a cancellation that comes late, from another thread, from one of the present wait.
    private var number: UInt64 = 0
    private var isCancelled = false

    var isWaiting: Bool { continuation != nil }

    func resume(_ outcome: Outcome) {
        guard let continuation else { return }
        self.continuation = nil
        continuation.resume(returning: outcome)
    }

    /// - Parameter begun: runs when the wait is in place, unless the task is cancelled already.
    func wait(on loop: Loop, _ begun: () -> Void) async -> Outcome {
        precondition(loop.isCurrent, "not on the loop's thread")
        precondition(continuation == nil, "two tasks wait for one event")
        guard !loop.isStopping else { return .cancelled }
        number &+= 1
        isCancelled = false
        let number = number
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if isCancelled {
                    continuation.resume(returning: .cancelled)
                } else {
                    self.continuation = continuation
                    begun()
                }
            }
        } onCancel: {
            loop.perform { self.cancel(number) }
        }
    }

    private func cancel(_ number: UInt64) {
        guard number == self.number else { return }
        isCancelled = true
        resume(.cancelled)
    }
}
