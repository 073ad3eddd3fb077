extension StartupPacket {
    /// Makes the server see this database, whatever the client named; the parameter keeps its place.
    public mutating func setDatabase(_ database: WireText) {
        let place = parameters.firstIndex { $0.name == Self.databaseName }
        parameters.removeAll { $0.name == Self.databaseName }
        parameters.insert(Parameter(Self.databaseName, database), at: place ?? parameters.endIndex)
    }

    /// Brings the packet down to what a server knows, and says of it what that server would, which can then be told before
    /// the login is asked for; the server finds nothing more to tell.
    /// - Parameter newestMinor: of protocol 3, as the server speaks it.
    /// - Returns: NegotiateProtocolVersion; nil when there is nothing to tell.
    public mutating func negotiate(newestMinor: UInt16) -> BackendMessage? {
        let unknown = parameters.filter(\.isProtocolOption).map(\.name)
        guard minorVersion > newestMinor || !unknown.isEmpty else { return nil }
        minorVersion = min(minorVersion, newestMinor)
        parameters.removeAll(where: \.isProtocolOption)
        return .negotiateProtocolVersion(newest: 3 << 16 | UInt32(minorVersion), unknownOptions: unknown)
    }

    /// Drops parameters that are addressed to drivers and pools, which Prisma's and other tools nevertheless send on and
    /// PostgreSQL would answer with 42704.
    /// - Returns: the names dropped, in order.
    @discardableResult public mutating func dropForeignParameters() -> [String] {
        var dropped: [String] = []
        guard parameters.contains(where: { Self.isForeign($0.name) }) else { return dropped }
        parameters.removeAll { parameter in
            guard Self.isForeign(parameter.name) else { return false }
            dropped.append(parameter.name.string)
            return true
        }
        return dropped
    }

    /// None of these is a setting of any PostgreSQL; whatever is one (`statement_timeout`, `search_path`,
    /// `tcp_user_timeout`, `port` …) must never be listed. PostgreSQL compares names without case, so do we.
    static let foreignParameters: Set<String> = [
        // Prisma's URL parameters and those of its `prisma dev` URLs.
        "schema", "connection_limit", "pool_timeout", "socket_timeout", "connect_timeout", "single_use_connections",
        "max_connection_lifetime", "max_idle_connection_lifetime", "statement_cache_size", "pgbouncer", "pool",
        "sslmode", "sslaccept", "sslidentity", "sslcert", "sslpassword", "sslkey", "sslrootcert",
        // libpq's own, which drivers that do not know them take for settings of the server.
        "channel_binding", "gssencmode", "load_balance_hosts", "sslnegotiation", "target_session_attrs",
        "uselibpqcompat",
    ]

    static func isForeign(_ name: WireText) -> Bool {
        // What nearly every packet has, found without a copy.
        !usual.contains(name) && foreignParameters.contains(name.string.lowercased())
    }

    private static let usual = [userName, databaseName, replicationName] + plainSettings
}
