internal import PostgresSession

/// What raw SQL may leave in a session that others use after it.
enum SessionReset {
    /// Whether a statement may have left something: settings, temporary tables, locks, LISTEN. Reading and writing rows
    /// does not; a function that changes settings for good would have to be called by name.
    static func mayBeNeeded(_ sql: String, _ result: ResultView?) -> Bool {
        guard let result else { return true }
        let verb = result.commandTag.prefix { $0 != " " }
        guard ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", ""].contains(verb) else { return true }
        return names(sql)
    }

    /// In any case of letters, anywhere: a false alarm costs a reset.
    private static let words = ["set_config", "advisory", "temp", "listen", "pg_settings", "u&\""].map { Array($0.utf8) }

    private static func names(_ sql: String) -> Bool {
        var sql = sql
        return sql.withUTF8 { text in
            for start in text.indices {
                for word in words where text[start] | 0x20 == word[0] && text.count - start >= word.count {
                    // `_` has no upper case, and nothing else becomes it.
                    if word.indices.allSatisfy({ text[start + $0] == word[$0] || text[start + $0] | 0x20 == word[$0] }) { return true }
                }
            }
            return false
        }
    }

    /// - Returns: whether the session is as new.
    static func reset(_ session: Session) async -> Bool {
        guard session.isOpen else { return false }
        if session.isInTransaction, (try? await session.results("ROLLBACK")) == nil { return false }
        let sql = """
            RESET SESSION AUTHORIZATION; RESET ALL; SELECT pg_catalog.pg_advisory_unlock_all(); UNLISTEN *; CLOSE ALL
            """
        guard (try? await session.results(sql)) != nil else { return false }
        // Refused inside the implicit transaction of several statements.
        for statement in ["DISCARD TEMP", "DISCARD SEQUENCES"] where (try? await session.results(statement)) == nil { return false }
        return (try? await session.deallocateAll()) != nil
    }
}
