internal import Basics
internal import CLibpqOnDemand
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A libpq connection watched by the loop; owner of the PGconn. Confined to the loop's thread. Input is taken in as
/// it comes, also while nobody waits, so that a server's end is known at once.
final class Connection {
    enum Wake: Sendable { case ready, timedOut, cancelled }

    let loop: Loop
    private var handle: OpaquePointer?
    private var poll: PollHandle?
    /// A duplicate of libpq's socket: libpq closes its own inside its calls, and a descriptor must not go while
    /// the loop watches it (its number may already be another's).
    private var watched: Int32 = -1
    private var waiter: Waiter?
    /// The waiter's deadline.
    private let timer: TimerHandle
    private var isConnected = false
    private var isFlushing = false
    /// The server has said that it ends the session (57P01 to 57P05); its end of the socket may follow later.
    private var isEnding = false
    /// The server has gone; what libpq has already read can still be asked for.
    private(set) var isLost = false
    /// Called when the server has gone by itself.
    var lost: (() -> Void)?

    /// - Parameter handle: taken.
    init(loop: Loop, owning handle: OpaquePointer) {
        self.loop = loop
        self.handle = handle
        timer = TimerHandle(loop: loop)
        // Else libpq prints notices on stderr. What a server says to an idle session before it ends it comes as one of them.
        let this = Unmanaged.passUnretained(self).toOpaque()
        PQsetNoticeReceiver(
            handle,
            { this, notice in
                guard let this, let state = PQresultErrorField(notice, Int32(UInt8(ascii: "C"))) else { return }
                let connection = Unmanaged<Connection>.fromOpaque(this).takeUnretainedValue()
                if String(cString: state).hasPrefix("57P0") { connection.isEnding = true }
            }, this)
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    }

    deinit { close() }

    func close() {
        unwatch()
        isLost = true
        if let handle { PQfinish(handle) }
        handle = nil
        timer.close()
        waiter?.resume(.ready)
    }

    /// nil when closed.
    var raw: OpaquePointer? { handle }
    var isOpen: Bool { handle != nil && !isLost && !isEnding }

    /// libpq's last words about the connection.
    var failure: PostgresError {
        guard let handle else { return PostgresError(sqlState: nil, message: "the session is closed", kind: .misuse) }
        return PostgresError(connectionText: String(cString: PQerrorMessage(handle)))
    }

    // MARK: Connecting

    /// Drives PQconnectPoll until it is done.
    func connect(until deadline: ContinuousClock.Instant) async throws(PostgresError) {
        guard let handle, PQstatus(handle) != CONNECTION_BAD else { throw failure }
        var next = PGRES_POLLING_WRITING
        while true {
            switch next {
            case PGRES_POLLING_OK:
                guard PQsetnonblocking(handle, 1) == 0 else { throw failure }
                isConnected = true
                return try watch(.readable)
            case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
                // A new watch for each step: libpq may have taken another socket with the same number.
                try watch(next == PGRES_POLLING_READING ? .readable : .writable)
                switch await wait(until: deadline) {
                case .ready: break
                case .timedOut: throw PostgresError(sqlState: nil, message: "the server did not answer in time", kind: .timedOut)
                case .cancelled: throw PostgresError(sqlState: nil, message: "cancelled while connecting", kind: .cancelled)
                }
                guard self.handle != nil else { throw failure }
                unwatch()
                next = PQconnectPoll(handle)
            default: throw failure
            }
        }
    }

    // MARK: Readiness

    private func watch(_ events: PollHandle.Events) throws(PostgresError) {
        unwatch()
        guard let handle else { throw failure }
        watched = fcntl(PQsocket(handle), F_DUPFD_CLOEXEC, 0)
        guard watched >= 0 else {
            throw PostgresError(sqlState: nil, message: "the socket can't be watched: \(String(cString: strerror(errno)))")
        }
        do throws(DevError) {
            let poll = try PollHandle(loop: loop, descriptor: watched)
            self.poll = poll
            listen(events)
        } catch {
            throw PostgresError(sqlState: nil, message: error.description)
        }
    }

    private func listen(_ events: PollHandle.Events) {
        poll?.start(events) { [weak self] events in self?.ready(events) }
    }

    private func unwatch() {
        poll?.close()
        poll = nil
        if watched >= 0 { _ = systemClose(watched) }
        watched = -1
    }

    private func ready(_ events: PollHandle.Events) {
        guard let handle else { return }
        guard isConnected else {
            waiter?.resume(.ready)
            return
        }
        if isFlushing { flush() }
        if PQconsumeInput(handle) == 0 { lose() }
        if isLost || PQisBusy(handle) == 0 { waiter?.resume(.ready) }
        // Nobody of ours listens; a session of somebody who does would keep them all.
        while let notification = PQnotifies(handle) { PQfreemem(notification) }
    }

    /// Leaves in the socket what comes, so that the server waits, until `resume`. Inside `Session.exclusively`.
    func pause() { poll?.watch([]) }
    func resume() { poll?.watch(isFlushing ? [.readable, .writable] : .readable) }

    private func lose() {
        isLost = true
        unwatch()
        lost?()
    }

    /// Sends what libpq has in its buffer, now and whenever the socket takes more.
    func flush() {
        guard let handle, !isLost else { return }
        let status = PQflush(handle)
        if status < 0 { return lose() }
        if (status == 1) != isFlushing {
            isFlushing = status == 1
            listen(isFlushing ? [.readable, .writable] : .readable)
        }
    }

    /// The next result, nil after the last. Call when `resultReady`.
    func nextResult() -> OpaquePointer? {
        guard let handle else { return nil }
        // A lost connection: what had come, then libpq's error; but never wait for a socket that it still has.
        if isLost, PQisBusy(handle) != 0, PQsocket(handle) >= 0 { return nil }
        return PQgetResult(handle)
    }

    /// Suspends until PQgetResult does not block.
    func resultReady(until deadline: ContinuousClock.Instant?, cancellable: Bool) async -> Wake {
        if let handle, !isLost, PQisBusy(handle) != 0 { return await wait(until: deadline, cancellable: cancellable) }
        return .ready
    }

    /// Suspends until something came.
    func input(until deadline: ContinuousClock.Instant?, cancellable: Bool) async -> Wake {
        guard !isLost else { return .ready }
        return await wait(until: deadline, cancellable: cancellable)
    }

    /// Reads what has come, if anything; the server's last words and its end too.
    func takeInput() {
        guard let handle, !isLost else { return }
        if PQconsumeInput(handle) == 0 { lose() } else { _ = PQisBusy(handle) }
    }

    private func wait(until deadline: ContinuousClock.Instant?, cancellable: Bool = true) async -> Wake {
        let waiter = Waiter()
        let loop = loop
        self.waiter = waiter
        if let deadline { timer.start(after: max(.zero, deadline - loop.clock.now)) { waiter.resume(.timedOut) } }
        defer {
            timer.stop()
            self.waiter = nil
        }
        guard cancellable else { return await waiter.wait() }
        return await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            // On any thread, so by way of the loop.
            loop.task { waiter.resume(.cancelled) }
        }
    }
}

/// One suspension; the first of its ends counts.
private final class Waiter: @unchecked Sendable {
    // Touched on the loop's thread alone.
    private var continuation: UnsafeContinuation<Connection.Wake, Never>?
    private var result: Connection.Wake?

    func wait() async -> Connection.Wake {
        await withUnsafeContinuation { continuation in
            if let result { continuation.resume(returning: result) } else { self.continuation = continuation }
        }
    }

    func resume(_ wake: Connection.Wake) {
        guard result == nil else { return }
        result = wake
        continuation?.resume(returning: wake)
        continuation = nil
    }
}

// Inside `Connection` its own `close` hides the C function.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
