import Dispatch

/// A plan's run is asynchronous in form only: nothing in it waits.
private final class Outcome: @unchecked Sendable {
    // Written before the signal, read after it.
    var failure: (any Error)?
}

@_cdecl("LLVMFuzzerTestOneInput") public func fuzzOne(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let outcome = Outcome()
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        do { try await checkPlan(bytes) } catch { outcome.failure = error }
        done.signal()
    }
    done.wait()
    if let failure = outcome.failure { fatalError("\(failure)") }
    return 0
}
