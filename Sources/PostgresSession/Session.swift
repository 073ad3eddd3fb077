internal import Basics
internal import CLibpqOnDemand
public import Loop

/// A session with a PostgreSQL server: libpq, non-blocking, on the loop. Confined to the loop's thread; statements
/// of several tasks are done one after the other, in the order they came.
public final class Session {
    let connection: Connection
    private var isBusy = false
    private var queue: [UnsafeContinuation<Void, Never>] = []
    var prepared = PreparedStatements()

    init(_ connection: Connection) { self.connection = connection }

    /// - Parameters:
    ///   - parameters: libpq keywords (host = socket folder, port, user, dbname, password …). A host's name would be
    ///     resolved on the loop's thread: give `hostaddr` instead. TLS and password files are off unless asked for.
    ///   - timeout: for all of it, by the loop's clock.
    /// - Throws: `PostgresError` with SQLSTATE when the server refused (57P03 while it starts), `connection` when
    ///   nobody answers, `timedOut`, `cancelled`.
    public static func connect(loop: Loop, _ parameters: [String: String], timeout: Duration) async throws(PostgresError) -> Session {
        assert(loop.isCurrent, "sessions live on the loop")
        if let reason = devdb_libpq_load() {
            throw PostgresError(sqlState: nil, message: "libpq can't be loaded: \(String(cString: reason))", kind: .misuse)
        }
        var all = [
            "client_encoding": "UTF8", "application_name": "devdb", "sslmode": "disable", "gssencmode": "disable",
            // No ~/.pgpass: what the daemon can do must not depend on who started it.
            "passfile": "/dev/null/none",
        ]
        all.merge(parameters) { _, given in given }
        for (key, value) in all where key.utf8.contains(0) || value.utf8.contains(0) {
            throw PostgresError(sqlState: nil, message: "the connection parameter \(key) holds a NUL", kind: .misuse)
        }
        let keys = CStrings(all.map(\.key) + [nil])
        let values = CStrings(all.map(\.value) + [nil])
        let handle = keys.withPointers { keys in
            values.withPointers { values in PQconnectStartParams(keys, values, 0) }
        }
        guard let handle else { throw PostgresError(sqlState: nil, message: "libpq has no memory") }
        let connection = Connection(loop: loop, owning: handle)
        do throws(PostgresError) {
            try await connection.connect(until: loop.clock.now.advanced(by: timeout))
        } catch {
            connection.close()
            throw error
        }
        return Session(connection)
    }

    /// Ends the session; a statement under way fails with `connection`.
    public func close() { connection.close() }

    /// False once it is closed or the server has gone.
    public var isOpen: Bool { connection.isOpen }

    /// Major × 10000 + minor, as PQserverVersion; 0 when closed.
    public var serverVersion: Int32 { connection.raw.map { PQserverVersion($0) } ?? 0 }

    /// Called on the loop when the server ends the session, whether a statement is under way or not.
    public func whenLost(_ body: @escaping () -> Void) { connection.lost = body }

    /// Whether it is still open, looked up at the socket and not only in what the loop has seen.
    public func check() -> Bool {
        connection.takeInput()
        return isOpen
    }

    /// The process that serves it, as in pg_stat_activity; 0 when closed.
    public var backendPID: Int32 { connection.raw.map { PQbackendPID($0) } ?? 0 }

    /// Whether a transaction is open (or failed and not yet rolled back).
    public var isInTransaction: Bool { connection.raw.map { PQtransactionStatus($0) != PQTRANS_IDLE } ?? false }

    /// A setting that the server reports, such as `server_version` or `TimeZone`.
    public func parameter(_ name: String) -> String? {
        connection.raw.flatMap { PQparameterStatus($0, name) }.map { String(cString: $0) }
    }

    /// Extended query with text parameters and text results; no parameters: simple protocol, where `sql` may hold
    /// several statements, and the last one's result is given.
    /// - Parameter timeout: after it the statement is cancelled; nil = none.
    /// - Throws: after an error the session can be used on, unless `isOpen` is false. COPY FROM STDIN is refused by the
    ///   server; what COPY TO STDOUT sends is thrown away.
    public func query(_ sql: String, _ parameters: [String?] = [], timeout: Duration? = nil) async throws(PostgresError) -> Rows {
        try await results(sql, parameters, timeout: timeout).last?.rows ?? Rows(columns: [], rows: [])
    }

    /// As `query`, with every statement's result.
    public func results(_ sql: String, _ parameters: [String?] = [], timeout: Duration? = nil) async throws(PostgresError) -> [ResultView] {
        let text = try CStrings(checking: [sql])
        let values = try CStrings(checking: parameters)
        return try await exclusively { () async throws(PostgresError) in
            try await self.run(timeout) { handle in
                text.withPointers { text in
                    if parameters.isEmpty { return PQsendQuery(handle, text[0]) }
                    return values.withPointers {
                        PQsendQueryParams(handle, text[0], Int32(clamping: parameters.count), nil, $0, nil, nil, 0)
                    }
                }
            }
        }
    }

    // MARK: One statement at a time

    func exclusively<T>(_ body: () async throws(PostgresError) -> T) async throws(PostgresError) -> T {
        assert(connection.loop.isCurrent, "sessions live on the loop")
        if isBusy { await withUnsafeContinuation { queue.append($0) } }
        isBusy = true
        defer {
            // The next in line finds `isBusy` still set, so that nobody slips in between.
            if queue.isEmpty { isBusy = false } else { queue.removeFirst().resume() }
        }
        return try await body()
    }

    /// Sends by the closure and collects all results. Inside `exclusively`.
    func run(_ timeout: Duration?, _ send: (OpaquePointer) -> Int32) async throws(PostgresError) -> [ResultView] {
        guard let handle = connection.raw else { throw connection.failure }
        guard connection.isOpen else { throw PostgresError(sqlState: nil, message: "the connection is lost") }
        guard !Task.isCancelled else { throw PostgresError(sqlState: nil, message: "cancelled", kind: .cancelled) }
        let deadline = timeout.map { connection.loop.clock.now.advanced(by: $0) }
        guard send(handle) == 1 else { throw connection.failure }
        connection.flush()
        var collected = Collected()
        switch await collect(into: &collected, until: deadline, cancellable: true) {
        case .ready:
            if let failure = collected.failure { throw failure }
            return collected.results
        case .timedOut:
            await interrupt()
            throw PostgresError(sqlState: nil, message: "the statement took too long", kind: .timedOut)
        case .cancelled:
            await interrupt()
            throw PostgresError(sqlState: nil, message: "the statement was cancelled", kind: .cancelled)
        }
    }

    private struct Collected {
        var results: [ResultView] = []
        /// The first one.
        var failure: PostgresError?
    }

    /// `ready`: libpq has no more results.
    private func collect(into collected: inout Collected, until deadline: ContinuousClock.Instant?, cancellable: Bool) async
        -> Connection.Wake
    {
        while true {
            let wake = await connection.resultReady(until: deadline, cancellable: cancellable)
            guard wake == .ready else { return wake }
            guard connection.raw != nil else {
                collected.failure = collected.failure ?? PostgresError(sqlState: nil, message: "the session was closed")
                return .ready
            }
            guard let result = connection.nextResult() else {
                if !connection.isOpen {
                    collected.failure = collected.failure ?? PostgresError(sqlState: nil, message: "the connection is lost")
                }
                return .ready
            }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: collected.results.append(ResultView(owning: result))
            case PGRES_COPY_IN:
                PQclear(result)
                // The server answers with 57014, and the session can be used on.
                if let handle = connection.raw { PQputCopyEnd(handle, "No source stream defined") }
                connection.flush()
            case PGRES_COPY_OUT:
                PQclear(result)
                let wake = await discardCopy(until: deadline, cancellable: cancellable)
                guard wake == .ready else { return wake }
            case PGRES_COPY_BOTH:
                PQclear(result)
                connection.close()
                collected.failure = PostgresError(sqlState: nil, message: "a replication stream can't be used here", kind: .misuse)
                return .ready
            default:
                collected.failure = collected.failure ?? PostgresError(result: result)
                PQclear(result)
            }
        }
    }

    /// Reads a COPY's data to its end: it has nowhere to go.
    func discardCopy(until deadline: ContinuousClock.Instant?, cancellable: Bool) async -> Connection.Wake {
        while let handle = connection.raw {
            var buffer: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &buffer, 1)
            if let buffer { PQfreemem(buffer) }
            if count < 0 { return .ready }
            guard count == 0 else { continue }
            guard connection.isOpen else { return .ready }
            let wake = await connection.input(until: deadline, cancellable: cancellable)
            guard wake == .ready else { return wake }
        }
        return .ready
    }

    /// Asks the server to cancel the statement that another task has under way; that task gets the server's answer.
    public func cancel() async {
        guard let handle = connection.raw, let request = CancelRequest(handle) else { return }
        _ = try? await connection.loop.blocking { () throws(DevError) in request.send() }
    }

    /// How long a cancelled statement may take to end before its session is given up.
    private static let patience = Duration.seconds(5)

    /// Asks the server to cancel and waits for the statement's end, so that the session can be used on and the
    /// request can't hit its next statement.
    func interrupt() async {
        guard let handle = connection.raw, let request = CancelRequest(handle) else { return connection.close() }
        let deadline = connection.loop.clock.now.advanced(by: Session.patience)
        // PQcancel connects and waits: not on the loop.
        let sent = try? await connection.loop.blocking { () throws(DevError) in request.send() }
        guard sent == true else { return connection.close() }
        var rest = Collected()
        if await collect(into: &rest, until: deadline, cancellable: false) != .ready { connection.close() }
    }
}

/// libpq's cancel key of a connection.
private final class CancelRequest: @unchecked Sendable {
    // Its own copy of the key, used by one thread at a time.
    private let cancel: OpaquePointer

    init?(_ handle: OpaquePointer) {
        guard let cancel = PQgetCancel(handle) else { return nil }
        self.cancel = cancel
    }

    deinit { PQfreeCancel(cancel) }

    /// Blocks.
    func send() -> Bool {
        var text = [CChar](repeating: 0, count: 256)
        return PQcancel(cancel, &text, Int32(text.count)) == 1
    }
}
