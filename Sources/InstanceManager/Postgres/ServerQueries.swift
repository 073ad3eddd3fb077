internal import Basics
internal import Loop
internal import PostgresWire

/// What the daemon asks of a running server, over the private socket, as the owner.
struct ServerQueries: Sendable {
    static let applicationName = "devdb daemon"
    let loop: Loop
    let socketDirectory: String
    /// What was last found to work.
    var login: OwnLogin

    /// - Parameters:
    ///   - database: one that it must be; nil: whichever there is.
    ///   - timeout: for a connection; a server that is busy answers late, one that is stuck never.
    func connect(database: String? = nil, timeout: Duration = .seconds(10)) async throws(SessionError) -> ServerSession {
        let path = socketDirectory + "/.s.PGSQL.5432"
        var login = login
        while true {
            do throws(SessionError) {
                return try await ServerSession.connect(loop: loop, path: path, packet: login.packet(database: database), timeout: timeout)
            } catch {
                let last = login
                guard login.adapt(to: error.sqlState), database == nil || login.isPrivileged != last.isPrivileged else { throw error }
            }
        }
    }

    /// Sets the owner's password if the cluster has none yet: only the verifier travels.
    static func ensurePassword(_ session: ServerSession, verifier: Secret?) async throws(SessionError) {
        guard let verifier else { return }
        let rows: [[String?]]
        do throws(SessionError) {
            rows = try await session.query(hasPassword)
        } catch {
            // An owner that is no superuser may not look; it was one when it got its first password.
            guard error.sqlState == "42501" else { throw error }
            return
        }
        guard rows.first?.first == "f" else { return }
        try await setPassword(session, verifier: verifier)
    }

    static func setPassword(_ session: ServerSession, verifier: Secret) async throws(SessionError) {
        _ = try await session.query(passwordStatement(verifier))
        // Who sets a password means it to hold.
        guard try await !session.query(hasExpired).isEmpty else { return }
        _ = try await session.query("ALTER ROLE postgres VALID UNTIL 'infinity'")
    }

    private static let hasExpired = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'postgres' AND rolvaliduntil <= now()"

    static let hasPassword = "SELECT rolpassword IS NOT NULL FROM pg_catalog.pg_authid WHERE rolname = 'postgres'"
    static func passwordStatement(_ verifier: Secret) -> String { "ALTER ROLE postgres PASSWORD \(literal(verifier.reveal()))" }

    /// Verifier and roles. nil when the owner's verifier does not say whether it may log in (NOLOGIN, no password): then every login
    /// must be PostgreSQL's to judge, and wakes it. A password that has expired is none, as it is to PostgreSQL.
    static func snapshot(_ session: ServerSession) async throws(SessionError) -> LoginSnapshot? {
        // Who has a password is told apart from who does not exist also when it may not log in.
        let rows = try await session.query(
            """
            SELECT rolname, CASE WHEN rolname = 'postgres' AND (rolvaliduntil > now()) IS NOT FALSE THEN rolpassword END,
                   rolcanlogin AND rolpassword IS NOT NULL,
                   CASE WHEN isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil) END
            FROM pg_catalog.pg_authid WHERE rolcanlogin OR rolpassword IS NOT NULL ORDER BY rolname
            """)
        guard let owner = rows.first(where: { $0.first == "postgres" }), owner.count == 4, owner[2] == "t" else { return nil }
        return LoginSnapshot(
            verifier: owner[1].map(Secret.init), expires: owner[3].flatMap { Double($0) }, roles: rows.compactMap { $0.first ?? nil })
    }

    /// The owner's; nil when no password lets it in, also because it has expired.
    static func verifier(_ session: ServerSession) async throws(SessionError) -> Secret? {
        let rows = try await session.query(
            "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'postgres' AND (rolvaliduntil > now()) IS NOT FALSE")
        return (rows.first?.first ?? nil).map(Secret.init)
    }

    /// Whether anybody is at work. What GUIs and pools send to keep a connection open is no use: such a session counts
    /// from its beginning. Of what an owner that is no superuser may not see it only knows that it is there: it is in use.
    static func use(_ session: ServerSession) async throws(SessionError) -> ServerUse {
        let rows = try await session.query(
            """
            SELECT count(*) FILTER (WHERE backend_type = 'walsender' OR state IS DISTINCT FROM 'idle'),
                   extract(epoch FROM clock_timestamp() - max(CASE
                       WHEN query ~* '^\\s*(select\\s+[0-9]+|select|select\\s+version\\(\\)|)\\s*;?\\s*$' THEN backend_start
                       ELSE state_change END))
            FROM pg_catalog.pg_stat_activity
            WHERE (backend_type IN ('client backend', 'walsender') OR (backend_type IS NULL AND usesysid IS NOT NULL))
              AND pid <> pg_backend_pid() AND application_name <> '\(applicationName)'
            """)
        guard let row = rows.first, row.count == 2, let busy = row[0].flatMap({ Int($0) }) else { return .unknown }
        return busy > 0 ? .inUse : .idle(seconds: row[1].flatMap { Double($0) })
    }

    static func sessions(_ session: ServerSession) async throws(SessionError) -> Int {
        let rows = try await session.query(
            """
            SELECT count(*) FROM pg_catalog.pg_stat_activity
            WHERE (backend_type IN ('client backend', 'walsender') OR (backend_type IS NULL AND usesysid IS NOT NULL)) AND pid <> pg_backend_pid() AND application_name <> '\(applicationName)'
            """)
        return (rows.first?.first ?? nil).flatMap { Int($0) } ?? 0
    }

    static func literal(_ text: String) -> String {
        // With a backslash it must be an E'' string, whatever standard_conforming_strings says.
        let doubled = text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        guard text.contains("\\") else { return "'\(doubled)'" }
        return "E'" + doubled.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\") + "'"
    }
}
