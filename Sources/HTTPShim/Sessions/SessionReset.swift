internal import PostgresSession

/// What raw SQL may leave in a session that others use after it.
enum SessionReset {
    /// Whether a statement may have left something: settings, temporary tables, locks, LISTEN. Reading and writing rows
    /// does not; a function that changes settings for good would have to be called by name.
    static func mayBeNeeded(_ sql: String, _ result: ResultView?) -> Bool {
        guard let result else { return true }
        let verb = result.commandTag.prefix { $0 != " " }
        guard ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", ""].contains(verb) else { return true }
        let text = sql.lowercased()
        return ["set_config", "advisory", "temp", "listen"].contains { text.contains($0) }
    }

    /// - Returns: whether the session is as new; prepared statements stay.
    static func reset(_ session: Session) async -> Bool {
        guard session.isOpen else { return false }
        if session.isInTransaction, (try? await session.results("ROLLBACK")) == nil { return false }
        let sql = """
            RESET SESSION AUTHORIZATION; RESET ALL; SELECT pg_catalog.pg_advisory_unlock_all(); UNLISTEN *; CLOSE ALL
            """
        guard (try? await session.results(sql)) != nil else { return false }
        // Refused inside the implicit transaction of several statements.
        for statement in ["DISCARD TEMP", "DISCARD SEQUENCES"] where (try? await session.results(statement)) == nil { return false }
        return true
    }
}
