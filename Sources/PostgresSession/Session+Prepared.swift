internal import Basics
internal import CLibpqOnDemand
internal import Loop

/// Prepared statements of a session, by their text: the server keeps each under a name of ours, so that parsing and planning
/// are saved while it is used again and again. What was not used for longest goes first.
///
/// The server settles the types of a statement's parameters when it is prepared, and for good: after a column has become
/// `text`, `WHERE code = $1` would go on to refuse what is no integer. So a name holds for a moment only, and what is asked
/// less often has none.
struct PreparedStatements {
    /// Kept per session: so many, and so many bytes of text, which a server holds several times over.
    static let limit = 500
    static let byteLimit = 2_000_000
    /// A longer text (a list of thousands of values) is parsed each time: it would drive all others out.
    static let textLimit = 100_000
    /// How long a name holds, and how soon a text must come again to be given one.
    static let freshness = Duration.milliseconds(500)

    /// How a statement is sent.
    enum Way: Equatable {
        case named(String)
        /// Under a new name; an old one goes.
        case prepare
        case unnamed
        /// Unnamed, and to be remembered.
        case new
    }

    private struct Entry {
        var name: String?
        /// When it was prepared, if it has a name.
        var since: ContinuousClock.Instant
        var lastUse: ContinuousClock.Instant
    }

    private var entries: [Key: Entry] = [:]
    private var bytes = 0
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

    /// Counts as a use.
    mutating func way(_ sql: String, _ now: ContinuousClock.Instant) -> Way {
        guard let index = entries.index(forKey: Key(sql)) else { return .new }
        let entry = entries.values[index]
        entries.values[index].lastUse = now
        if let name = entry.name, now - entry.since < Self.freshness { return .named(name) }
        return now - entry.lastUse < Self.freshness ? .prepare : .unnamed
    }

    mutating func newName() -> String {
        count += 1
        return "devdb_\(count)"
    }

    /// - Parameter name: what it has been prepared under; nil: it has been seen.
    mutating func add(_ sql: String, _ name: String?, _ now: ContinuousClock.Instant) {
        if entries.updateValue(Entry(name: name, since: now, lastUse: now), forKey: Key(sql)) == nil { bytes += sql.utf8.count }
    }

    /// - Returns: the name that the server has it under.
    mutating func forget(_ sql: String) -> String? {
        guard let entry = entries.removeValue(forKey: Key(sql)) else { return nil }
        bytes -= sql.utf8.count
        return entry.name
    }

    mutating func forgetAll() {
        entries = [:]
        bytes = 0
    }

    /// What must go before this one is added.
    func surplus(for sql: String) -> String? {
        guard entries.count >= PreparedStatements.limit || bytes + sql.utf8.count > PreparedStatements.byteLimit else { return nil }
        return entries.min { $0.value.lastUse < $1.value.lastUse }?.key.sql
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

    /// A failure that may come from what the server settled when it prepared the statement is not the answer: the statement
    /// is sent once more, to be parsed anew. That is safe outside transactions, where a failed statement has done nothing; inside
    /// them, where one failure ends all, nothing is sent by name.
    public func resultsPrepared(_ sql: String, _ parameters: Parameters, timeout: Duration? = nil) async throws(PostgresError)
        -> ResultView?
    {
        try await exclusively { () async throws(PostgresError) in
            guard !self.isInTransaction, PreparedStatements.mayBeNamed(sql) else {
                return try await self.executeOnce(sql, parameters, timeout)
            }
            let now = self.connection.loop.clock.now
            switch self.prepared.way(sql, now) {
            case .named(let name):
                do throws(PostgresError) { return try await self.execute(name, parameters, timeout) } catch {
                    guard error.mayBeOutdated else { throw error }
                    try await self.forget(sql, timeout)
                    return try await self.executeOnce(sql, parameters, timeout)
                }
            case .prepare:
                try await self.forget(sql, timeout)
                let name = try await self.prepare(sql, timeout)
                self.prepared.add(sql, name, now)
                return try await self.execute(name, parameters, timeout)
            case .new:
                while let surplus = self.prepared.surplus(for: sql) { try await self.forget(surplus, timeout) }
                self.prepared.add(sql, nil, now)
                fallthrough
            case .unnamed:
                return try await self.executeOnce(sql, parameters, timeout)
            }
        }
    }

    /// Lets the server forget all prepared statements, ours and those that SQL has made.
    public func deallocateAll() async throws(PostgresError) {
        prepared.forgetAll()
        _ = try await results("DEALLOCATE ALL")
    }

    private func execute(_ name: String, _ parameters: Parameters, _ timeout: Duration?) async throws(PostgresError) -> ResultView? {
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
        let text = try CStrings(checking: [sql])
        let name = prepared.newName()
        _ = try await run(timeout) { handle in text.withPointers { PQsendPrepare(handle, name, $0[0], 0, nil) } }
        return name
    }

    private func forget(_ sql: String, _ timeout: Duration?) async throws(PostgresError) {
        guard let name = prepared.forget(sql) else { return }
        do throws(PostgresError) { _ = try await run(timeout) { PQsendQuery($0, "DEALLOCATE \(name)") } } catch {
            // 26000: SQL has done it before us.
            guard error.sqlState == "26000" else { throw error }
        }
    }
}

extension PreparedStatements {
    /// What is sent once more must do nothing when it fails. A procedure may have committed by then, so only verbs are let in
    /// that can't call one.
    static func mayBeNamed(_ sql: String) -> Bool {
        let text = sql.utf8.drop { $0 <= 0x20 }
        return sql.utf8.count <= textLimit && verbs.contains { text.prefix($0.count).elementsEqual($0) { $0 | 0x20 == $1 } }
    }

    private static let verbs = ["select", "insert", "update", "delete", "with", "merge", "values"].map { Array($0.utf8) }
}

extension PostgresError {
    /// 26000: somebody ran DEALLOCATE or DISCARD. 0A000: "cached plan must not change result type". Classes 22 and 42: values that
    /// don't fit the parameters' types, or types that nothing is defined for. XX000: the type has gone ("cache lookup failed").
    fileprivate var mayBeOutdated: Bool {
        guard let sqlState else { return false }
        return sqlState == "26000" || sqlState == "0A000" || sqlState == "XX000" || sqlState.hasPrefix("22") || sqlState.hasPrefix("42")
    }
}
