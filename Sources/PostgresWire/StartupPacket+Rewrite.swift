extension StartupPacket {
    /// Makes the server see this database, whatever the client named; the parameter keeps its place.
    public mutating func setDatabase(_ database: WireText) {
        let place = parameters.firstIndex { $0.name == "database" }
        parameters.removeAll { $0.name == "database" }
        parameters.insert(Parameter("database", database), at: place ?? parameters.endIndex)
    }

    /// Drops parameters that are addressed to drivers and pools, which Prisma's and other tools nevertheless send on and
    /// PostgreSQL would answer with 42704.
    /// - Returns: the names dropped, in order.
    @discardableResult public mutating func dropForeignParameters() -> [String] {
        var dropped: [String] = []
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

    static func isForeign(_ name: WireText) -> Bool { foreignParameters.contains(name.string.lowercased()) }
}
