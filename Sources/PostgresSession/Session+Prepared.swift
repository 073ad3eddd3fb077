internal import CLibpq

extension Session {
    /// Statements kept per session; past it all are given back and the cache begins anew.
    static let preparedLimit = 500

    /// As `results` for one statement, prepared at its first use and kept by the server under a name of ours:
    /// parsing and planning are saved from the second use on.
    public func resultsPrepared(_ sql: String, _ parameters: [String?] = [], timeout: Duration? = nil) async throws(PostgresError)
        -> ResultView?
    {
        let text = try CStrings(checking: [sql])
        let values = try CStrings(checking: parameters)
        return try await exclusively { () async throws(PostgresError) in
            let name = try await self.prepare(sql, text, timeout)
            let nameText = CStrings([name])
            do throws(PostgresError) {
                return try await self.run(timeout) { handle in
                    nameText.withPointers { name in
                        values.withPointers { PQsendQueryPrepared(handle, name[0], Int32(clamping: parameters.count), $0, nil, nil, 0) }
                    }
                }.last
            } catch {
                // 26000: somebody ran DEALLOCATE or DISCARD. 0A000: "cached plan must not change result type".
                // The next use prepares it anew.
                if error.sqlState == "26000" || error.sqlState == "0A000" { self.prepared[sql] = nil }
                throw error
            }
        }
    }

    private func prepare(_ sql: String, _ text: CStrings, _ timeout: Duration?) async throws(PostgresError) -> String {
        if let name = prepared[sql] { return name }
        if prepared.count >= Session.preparedLimit {
            _ = try await run(timeout) { PQsendQuery($0, "DEALLOCATE ALL") }
            prepared.removeAll()
        }
        // Numbers are not used again, so a name can't mean two statements.
        preparedCount += 1
        let name = "devdb_\(preparedCount)"
        _ = try await run(timeout) { handle in text.withPointers { PQsendPrepare(handle, name, $0[0], 0, nil) } }
        prepared[sql] = name
        return name
    }
}
