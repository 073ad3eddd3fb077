internal import PostgresWire

/// How the daemon's own sessions log in: as the owner, in whatever database there is, with what the owner may set. People drop the
/// database `postgres` and take SUPERUSER away; neither must keep the others' clients out.
struct OwnLogin: Equatable, Sendable {
    /// The server's; nil: unknown.
    private let major: Int?
    private(set) var database = "postgres"
    /// With what only a superuser may set.
    private(set) var isPrivileged = true

    private static let other = "template1"

    init(major: Int?) { self.major = major }

    /// After a refusal. - Returns: whether there is another way to try.
    mutating func adapt(to sqlState: String?) -> Bool {
        switch sqlState {
        // It does not exist; it takes no connections.
        case "3D000"?, "55000"?: return moved()
        case "42501"?:
            // Either a setting or the database is not the owner's to use.
            guard isPrivileged else { return moved() }
            isPrivileged = false
            return true
        default: return false
        }
    }

    private mutating func moved() -> Bool {
        defer { database = OwnLogin.other }
        return database != OwnLogin.other
    }

    /// - Parameters:
    ///   - database: instead of its own.
    ///   - more: options beside those that each of our sessions has.
    func packet(database: String? = nil, more: String = "") -> StartupPacket {
        // What a person sets for all sessions must not keep ours from their work, nor fill the log with it.
        // Libraries that are not there would end the session.
        var options = "-c statement_timeout=60s -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
        options += " -c role=none -c default_transaction_read_only=off -c local_preload_libraries="
        if isPrivileged { options += " -c log_statement=none -c session_preload_libraries=" }
        if let major, major >= 14 { options += " -c idle_session_timeout=0" }
        if let major, major >= 17 { options += " -c transaction_timeout=0" }
        // From 17 on triggers can refuse a login; they are for the clients'.
        if isPrivileged, let major, major >= 17 { options += " -c event_triggers=off" }
        options += more
        return StartupPacket(
            user: "postgres", database: WireText(database ?? self.database),
            [
                .init("application_name", WireText(ServerQueries.applicationName)), .init("client_encoding", "UTF8"),
                .init("options", WireText(options)),
            ])
    }
}
