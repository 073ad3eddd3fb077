public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A loop on a thread of its own (tests, benchmarks; the daemon runs its loop on the main thread).
public enum LoopThread {
    /// Makes a loop, runs the body as a task on it, stops the loop and waits for its thread.
    public static func run<T: Sendable>(
        _ body: sending @escaping @isolated(any) (Loop) async throws -> T
    ) async throws -> T {
        let loop = try Loop()
        let end = try start(loop)
        let task = Task(executorPreference: loop) { try await body(loop) }
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        loop.stop()
        await end.value
        return try result.get()
    }

    /// Runs the loop on a new thread.
    /// - Returns: what ends when `Loop.run` has returned.
    /// - Throws: `DevError` `system` when there is no thread left.
    @discardableResult
    public static func start(_ loop: Loop) throws(DevError) -> Task<Void, Never> {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let start = Unmanaged.passRetained(
            Start {
                loop.run()
                continuation.finish()
            })
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let status = pthread_create(&thread, &attributes, threadMain, start.toOpaque())
        pthread_attr_destroy(&attributes)
        guard status == 0 else {
            start.release()
            throw posixError("pthread_create", object: "a thread", errno: status)
        }
        return Task { for await _ in ended {} }
    }

    private final class Start {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    #if canImport(Darwin)
        private static let threadMain: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = {
            Unmanaged<Start>.fromOpaque($0).takeRetainedValue().body()
            return nil
        }
    #else
        private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            if let start = $0 { Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body() }
            return nil
        }
    #endif
}
