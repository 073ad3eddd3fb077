public import Basics
internal import Loop
public import Registry

/// What needs a session of the daemon's own with the server.
extension InstanceManager {
    static let shadowName = "devdb_shadow"

    /// Runs work in a session with a server that is awake, or wakes it first.
    private func withSession<T: Sendable>(
        _ id: String, database: String? = nil, _ work: (ServerSession) async throws(SessionError) -> T
    ) async throws(DevError) -> T {
        let session = try await session(id, database)
        defer { session.close() }
        do throws(SessionError) { return try await work(session) } catch { throw DevError(error, object: database ?? "postgres") }
    }

    /// A server that has just died is not known to be dead at once: for some seconds it is asked again.
    private func session(_ id: String, _ database: String?) async throws(DevError) -> ServerSession {
        guard let effects else { throw InstanceManager.notStarted }
        let owner = try owner(id)
        let end = loop.clock.now.advanced(by: .seconds(5))
        while true {
            _ = try await owner.awake()
            do throws(SessionError) {
                guard let server = await owner.server, let queries = await effects.queries(of: server) else {
                    throw SessionError(sqlState: nil, message: "the server has gone")
                }
                return try await queries.connect(database: database)
            } catch {
                let isPassing = error.sqlState.map { SQLState.unavailable.contains($0) } ?? true
                guard isPassing, loop.clock.now < end else { throw DevError(error, object: database ?? "postgres") }
            }
            do { try await loop.clock.sleep(for: .milliseconds(20)) } catch {
                throw DevError(.cancelled, "The daemon is stopping", object: id)
            }
        }
    }

    /// The owner's verifier as the cluster has it now (the registry's when asleep and fresh, else asked of the server).
    public func ownerVerifier(_ id: String) async throws(DevError) -> Secret? {
        let facts = loginFacts(id)
        if let facts, facts.state == .stopped, facts.record.verifierFresh { return facts.record.verifier }
        return try await withSession(id) { session throws(SessionError) in try await ServerQueries.verifier(session) }
    }

    /// What PostgreSQL makes the salts of users from that do not exist, so that the front gives the same ones; nil when it
    /// can't be read.
    public func mockNonce(_ id: String) async -> [UInt8]? {
        let directory = layout.dataDirectory(id)
        let nonce = try? await loop.blocking { () throws(DevError) in ControlFile.mockNonce(directory) }
        return nonce ?? nil
    }

    /// Waits while the server goes down, unless the stop can still be called off. Wakes nothing.
    public func stopEnded(_ id: String) async throws(DevError) { try await owner(id).stopEnded() }

    /// Makes the shadow database if it is not there; its name. However many ask, one is made.
    public func shadowDatabase(_ id: String) async throws(DevError) -> String {
        if let work = shadowWork[id] { return try await work.value.get() }
        let work = loop.task { await self.makeShadow(id) }
        shadowWork[id] = work
        defer { if shadowWork[id] == work { shadowWork[id] = nil } }
        return try await work.value.get()
    }

    private func makeShadow(_ id: String) async -> Result<String, DevError> {
        let name = InstanceManager.shadowName
        do throws(DevError) {
            try await withSession(id) { session throws(SessionError) in
                let found = try await session.query("SELECT 1 FROM pg_catalog.pg_database WHERE datname = '\(name)'")
                guard found.isEmpty else { return }
                do throws(SessionError) {
                    // From template0: template1 can't be copied while anybody is in it.
                    _ = try await session.query("CREATE DATABASE \(name) TEMPLATE template0")
                } catch {
                    // 42P04: a client made it in between.
                    guard error.sqlState == "42P04" || error.sqlState == "23505" else { throw error }
                }
            }
            return .success(name)
        } catch {
            return .failure(error)
        }
    }

    /// Sets the owner's password in the cluster (waking it) and then in the registry; only the verifier travels.
    public func setPassword(_ id: String, _ password: Secret) async throws(DevError) -> InstanceRecord {
        try Passwords.check(password)
        let random = configuration.random
        let verifier = try await loop.blocking { () throws(DevError) in try Passwords.verifier(password, random) }
        try await withSession(id) { session throws(SessionError) in
            try await ServerQueries.setPassword(session, verifier: verifier)
        }
        defer { configuration.changed() }
        return try await owner(id).configure { record in
            record.password = password
            record.passwordIsGenerated = false
        }
    }

    /// Creates the extensions that the record asks for in the main database, with what they need.
    /// - Throws: `postgres` in the server's words: an extension that the installation does not have.
    public func createExtensions(_ id: String) async throws(DevError) {
        let record = try await owner(id).record
        guard !record.extensions.isEmpty else { return }
        try await withSession(id, database: record.mainDatabase) { session throws(SessionError) in
            let present = Set(try await session.query("SELECT extname FROM pg_catalog.pg_extension").compactMap { $0.first ?? nil })
            for name in record.extensions where !present.contains(name) {
                let quoted = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                _ = try await session.query("CREATE EXTENSION IF NOT EXISTS \"\(quoted)\" CASCADE")
            }
        }
    }
}
