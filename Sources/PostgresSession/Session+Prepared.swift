internal import Basics
internal import CLibpqOnDemand

/// Prepared statements of a session, by their text: the server keeps each under a name of ours, so that parsing and planning
/// are saved from the second use on. What was not used for longest goes first.
struct PreparedStatements {
    /// Kept per session: so many, and so many bytes of text, which a server holds several times over.
    static let limit = 500
    static let byteLimit = 2_000_000
    /// A longer text (a list of thousands of values) is parsed each time: it would drive all others out.
    static let textLimit = 100_000

    private var entries: [Key: (name: String, use: UInt64)] = [:]
    private var bytes = 0
    private var uses: UInt64 = 0
    /// Numbers are not used again, so a name can't mean two statements.
    private var count = 0

    /// A text with a hash of its own: SipHash over it would cost more than the rest of the look-up.
    struct Key: Hashable {
        let sql: String
        private let digest: UInt64

        init(_ sql: String) {
            var text = sql
            digest = text.withUTF8 { ByteDigest.of(UnsafeRawBufferPointer($0)) }
            self.sql = sql
        }

        static func == (left: Key, right: Key) -> Bool { left.digest == right.digest && left.sql == right.sql }
        func hash(into hasher: inout Hasher) { hasher.combine(digest) }
    }

    mutating func name(_ sql: String) -> String? {
        guard let index = entries.index(forKey: Key(sql)) else { return nil }
        uses += 1
        entries.values[index].use = uses
        return entries.values[index].name
    }

    mutating func newName() -> String {
        count += 1
        return "devdb_\(count)"
    }

    mutating func add(_ sql: String, _ name: String) {
        uses += 1
        bytes += sql.utf8.count
        entries[Key(sql)] = (name, uses)
    }

    mutating func forget(_ sql: String) -> String? {
        guard let entry = entries.removeValue(forKey: Key(sql)) else { return nil }
        bytes -= sql.utf8.count
        return entry.name
    }

    /// What must go before this one is added.
    func surplus(for sql: String) -> String? {
        guard entries.count >= PreparedStatements.limit || bytes + sql.utf8.count > PreparedStatements.byteLimit else { return nil }
        return entries.min { $0.value.use < $1.value.use }?.key.sql
    }
}

extension Session {
    /// As `results` for one statement, prepared at its first use.
    public func resultsPrepared(_ sql: String, _ parameters: [String?] = [], timeout: Duration? = nil) async throws(PostgresError)
        -> ResultView?
    {
        var values = Parameters()
        for parameter in parameters {
            if let parameter { try values.append(text: parameter) } else { values.appendNull() }
        }
        return try await resultsPrepared(sql, values, timeout: timeout)
    }

    /// A statement whose plan the server found outdated is prepared anew and sent once more, which is safe: it was refused
    /// before it began. In a transaction, which has failed by that, it is not.
    public func resultsPrepared(_ sql: String, _ parameters: Parameters, timeout: Duration? = nil) async throws(PostgresError)
        -> ResultView?
    {
        try await exclusively { () async throws(PostgresError) in
            do throws(PostgresError) {
                return try await self.execute(sql, parameters, timeout)
            } catch {
                guard error.isOutdatedPlan else { throw error }
                if let name = self.prepared.forget(sql), !self.isInTransaction {
                    _ = try? await self.run(timeout) { PQsendQuery($0, "DEALLOCATE \(name)") }
                }
                guard !self.isInTransaction else { throw error }
                return try await self.execute(sql, parameters, timeout)
            }
        }
    }

    private func execute(_ sql: String, _ parameters: Parameters, _ timeout: Duration?) async throws(PostgresError)
        -> ResultView?
    {
        if sql.utf8.count > PreparedStatements.textLimit { return try await executeOnce(sql, parameters, timeout) }
        let name = try await prepare(sql, timeout)
        do throws(PostgresError) {
            return try await run(timeout) { handle in
                parameters.withPointers { values, lengths, formats in
                    PQsendQueryPrepared(handle, name, Int32(clamping: parameters.count), values, lengths, formats, 0)
                }
            }.last
        } catch {
            // Our name for it says nothing to anybody.
            var error = error
            if error.sqlState == "08P01" { error.message.replace("\"\(name)\"", with: "\"\"") }
            throw error
        }
    }

    private func executeOnce(_ sql: String, _ parameters: Parameters, _ timeout: Duration?) async throws(PostgresError)
        -> ResultView?
    {
        let text = try CStrings(checking: [sql])
        return try await run(timeout) { handle in
            text.withPointers { text in
                parameters.withPointers { values, lengths, formats in
                    PQsendQueryParams(handle, text[0], Int32(clamping: parameters.count), nil, values, lengths, formats, 0)
                }
            }
        }.last
    }

    private func prepare(_ sql: String, _ timeout: Duration?) async throws(PostgresError) -> String {
        if let name = prepared.name(sql) { return name }
        let text = try CStrings(checking: [sql])
        while let surplus = prepared.surplus(for: sql), let name = prepared.forget(surplus) {
            _ = try await run(timeout) { PQsendQuery($0, "DEALLOCATE \(name)") }
        }
        let name = prepared.newName()
        _ = try await run(timeout) { handle in text.withPointers { PQsendPrepare(handle, name, $0[0], 0, nil) } }
        prepared.add(sql, name)
        return name
    }
}

extension PostgresError {
    /// 26000: somebody ran DEALLOCATE or DISCARD. 0A000: "cached plan must not change result type", after a change of a table.
    fileprivate var isOutdatedPlan: Bool {
        sqlState == "26000" || (sqlState == "0A000" && message.contains("cached plan"))
    }
}
