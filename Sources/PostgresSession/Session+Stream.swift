internal import CLibpqOnDemand

/// Takes a statement's rows as they come (`Session.stream`).
public protocol ResultSink: AnyObject {
    /// - Parameters:
    ///   - result: one row with its columns, or a statement's end: its columns, if it has any, and its tag.
    ///   - isRow: false at the end of each statement.
    /// - Returns: whether `flush` is due.
    func take(_ result: ResultView, isRow: Bool) throws(PostgresError) -> Bool
    /// Sends on what was taken. While it suspends, no more is read from the server.
    func flush() async throws(PostgresError)
}

extension Session {
    /// As `results`, row by row, with no more than one row and libpq's buffer in memory. Parameters' types are the server's to
    /// infer; without parameters the text may hold several statements.
    /// - Throws: the server's first error, or the sink's; the statement is cancelled then, and the session can be used on if
    ///   `isOpen`. COPY is refused in both directions.
    public func stream(_ sql: String, _ parameters: Parameters, to sink: any ResultSink) async throws(PostgresError) {
        let text = try CStrings(checking: [sql])
        try await exclusively { () async throws(PostgresError) in
            guard let handle = self.connection.raw else { throw self.connection.failure }
            guard self.connection.isOpen else { throw PostgresError(sqlState: nil, message: "the connection is lost") }
            guard !Task.isCancelled else { throw PostgresError(sqlState: nil, message: "cancelled", kind: .cancelled) }
            let sent = text.withPointers { text in
                if parameters.count == 0 { return PQsendQuery(handle, text[0]) }
                return parameters.withPointers { values, lengths, formats in
                    PQsendQueryParams(handle, text[0], Int32(clamping: parameters.count), nil, values, lengths, formats, 0)
                }
            }
            guard sent == 1 else { throw self.connection.failure }
            _ = PQsetSingleRowMode(handle)
            self.connection.flush()
            let failure: PostgresError?
            do throws(PostgresError) { failure = try await self.deliver(to: sink) } catch {
                if self.connection.isOpen { await self.interrupt() }
                throw error
            }
            if let failure { throw failure }
        }
    }

    /// Until libpq has no more results.
    /// - Returns: the server's failure.
    /// - Throws: why the rest is not wanted.
    private func deliver(to sink: any ResultSink) async throws(PostgresError) -> PostgresError? {
        var failure: PostgresError?
        while true {
            guard await connection.resultReady(until: nil, cancellable: true) == .ready else {
                throw PostgresError(sqlState: nil, message: "the statement was cancelled", kind: .cancelled)
            }
            guard connection.raw != nil else { return failure ?? PostgresError(sqlState: nil, message: "the session was closed") }
            guard let result = connection.nextResult() else {
                return connection.isOpen ? failure : failure ?? PostgresError(sqlState: nil, message: "the connection is lost")
            }
            let status = PQresultStatus(result)
            switch status {
            case PGRES_SINGLE_TUPLE, PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                guard try sink.take(ResultView(owning: result), isRow: status == PGRES_SINGLE_TUPLE) else { continue }
                connection.pause()
                defer { connection.resume() }
                try await sink.flush()
            case PGRES_COPY_IN:
                PQclear(result)
                // The server answers with 57014, and the session can be used on.
                if let handle = connection.raw { PQputCopyEnd(handle, "No source stream defined") }
                connection.flush()
            case PGRES_COPY_OUT:
                PQclear(result)
                var refusal = PostgresError(sqlState: "0A000", message: "COPY TO STDOUT has nowhere to go here", hint: "Select the rows")
                refusal.severity = "ERROR"
                throw refusal
            case PGRES_COPY_BOTH:
                PQclear(result)
                connection.close()
                return PostgresError(sqlState: nil, message: "a replication stream can't be used here", kind: .misuse)
            default:
                failure = failure ?? PostgresError(result: result)
                PQclear(result)
            }
        }
    }
}
