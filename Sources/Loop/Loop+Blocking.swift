public import Basics
internal import CUV

extension Loop {
    /// Runs what blocks (fsync, clone, SQLite) on libuv's threads (4 unless `UV_THREADPOOL_SIZE` says more) and resumes
    /// on the loop. Work that has begun is not cancelled, and the loop's end waits for it.
    /// - Throws: what the work throws; `cancelled` when the loop has ended.
    public func blocking<T: Sendable>(_ work: @escaping @Sendable () throws(DevError) -> T) async throws(DevError) -> T {
        let result: Result<T, DevError> = await withUnsafeContinuation { continuation in
            let request = Work(work) { continuation.resume(returning: $0) }
            if !perform({ request.start(on: self) }) { continuation.resume(returning: .failure(Loop.ended)) }
        }
        return try result.get()
    }

    /// What waits on a loop that has ended are told.
    static var ended: DevError { DevError(.cancelled, "The daemon is stopping", object: "devd") }
}

/// One call on libuv's threads. `result` is touched by the pool's thread alone, until libuv hands the request back to
/// the loop's thread.
private final class Work<T: Sendable>: AnyWork, @unchecked Sendable {
    private let work: @Sendable () throws(DevError) -> T
    private var result: Result<T, DevError>?
    private let completion: @Sendable (Result<T, DevError>) -> Void

    init(_ work: @escaping @Sendable () throws(DevError) -> T, completion: @escaping @Sendable (Result<T, DevError>) -> Void) {
        self.work = work
        self.completion = completion
    }

    override func run() {
        do throws(DevError) { result = .success(try work()) } catch { result = .failure(error) }
    }

    override func finish() { completion(result ?? .failure(Loop.ended)) }
}

/// The part that C function pointers can name.
private class AnyWork: @unchecked Sendable {
    func run() {}
    func finish() {}

    final func start(on loop: Loop) {
        let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        let status = uv_queue_work(
            loop.uv, request,
            { request in
                guard let data = request?.pointee.data else { return }
                Unmanaged<AnyWork>.fromOpaque(data).takeUnretainedValue().run()
            },
            { request, _ in
                guard let request, let data = request.pointee.data else { return }
                request.deallocate()
                Unmanaged<AnyWork>.fromOpaque(data).takeRetainedValue().finish()
            })
        // EINVAL for a missing callback is its one error.
        precondition(status == 0)
    }
}
