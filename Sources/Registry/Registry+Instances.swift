public import Basics

extension Registry {
    /// All instances, by name.
    public func instances() throws(DevError) -> [InstanceRecord] {
        try read { (database) throws(DevError) in
            var ports: [String: [PortRecord]] = [:]
            let rows = try database.rows("SELECT instance, kind, port FROM port ORDER BY rowid") { (row) throws(DevError) in
                guard let kind = PortRecord.Kind(rawValue: row.text(1)), let port = UInt16(exactly: row.integer(2)) else {
                    throw RegistryError.corrupt(self.path, cause: "a port of \(row.text(0)) can't be read")
                }
                return (row.text(0), PortRecord(kind: kind, port: port))
            }
            for (instance, port) in rows { ports[instance, default: []].append(port) }
            return try database.rows(
                """
                SELECT id, name, pg_version, pg_bin, profile, idle, password, verifier, roles, verifier_fresh, main_database,
                       settings, extensions, front, project, created_at, broken_reason, password_generated, sources,
                       verifier_expires, http
                FROM instance ORDER BY name
                """
            ) { (row) throws(DevError) in
                let id = row.text(0)
                guard let idle = IdleLimit(row.text(5)), let name = try? InstanceName(row.text(1)) else {
                    throw RegistryError.corrupt(self.path, cause: "the instance \(id) can't be read")
                }
                return InstanceRecord(
                    id: id, name: name, pgVersion: row.text(2), pgBin: row.text(3), profile: row.text(4), idle: idle,
                    password: Secret(row.text(6)), passwordIsGenerated: row.integer(17) != 0,
                    verifier: row.optionalText(7).map { Secret($0) }, verifierExpires: row.optionalReal(19),
                    roles: try JSONText.decode(row.text(8), self.path), verifierFresh: row.integer(9) != 0,
                    mainDatabase: row.text(10), settings: try JSONText.decode(row.text(11), self.path),
                    http: try JSONText.decode(row.text(20), self.path),
                    sources: try JSONText.decode(row.text(18), self.path),
                    extensions: try JSONText.decode(row.text(12), self.path), front: row.text(13),
                    project: row.optionalText(14), createdAt: row.real(15), ports: ports[id] ?? [],
                    brokenReason: row.optionalText(16))
            }
        }
    }

    /// Insert or replace the row and its ports in one transaction.
    /// - Throws: `exists` for another instance's name; `port-taken` for a port that is another's (the HTTP port alone
    ///   may be shared, and only as HTTP port). Then nothing has changed.
    public func save(_ record: InstanceRecord) throws(DevError) {
        try write { (database) throws(DevError) in try self.store(record, database) }
    }

    /// Inside a transaction.
    func store(_ record: InstanceRecord, _ database: Database) throws(DevError) {
        try check(record, database)
        try database.run(
            """
            INSERT INTO instance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, pg_version = excluded.pg_version, pg_bin = excluded.pg_bin,
                profile = excluded.profile, idle = excluded.idle, password = excluded.password, verifier = excluded.verifier,
                roles = excluded.roles, verifier_fresh = excluded.verifier_fresh, main_database = excluded.main_database,
                settings = excluded.settings, extensions = excluded.extensions, front = excluded.front,
                project = excluded.project, created_at = excluded.created_at, broken_reason = excluded.broken_reason,
                password_generated = excluded.password_generated, sources = excluded.sources,
                verifier_expires = excluded.verifier_expires, http = excluded.http
            """,
            [
                .text(record.id), .text(record.name.text), .text(record.pgVersion), .text(record.pgBin), .text(record.profile),
                .text(record.idle.text), .text(record.password.reveal()), Database.Value(record.verifier?.reveal()),
                .text(JSONText.encode(record.roles)), .integer(record.verifierFresh ? 1 : 0), .text(record.mainDatabase),
                .text(JSONText.encode(record.settings)), .text(JSONText.encode(record.extensions)), .text(record.front),
                Database.Value(record.project), .real(record.createdAt), Database.Value(record.brokenReason),
                .integer(record.passwordIsGenerated ? 1 : 0), .text(JSONText.encode(record.sources)),
                Database.Value(record.verifierExpires), .text(JSONText.encode(record.http)),
            ])
        try database.run("DELETE FROM port WHERE instance = ?", [.text(record.id)])
        for port in record.ports {
            try database.run(
                "INSERT INTO port VALUES (?, ?, ?)", [.text(record.id), .text(port.kind.rawValue), .integer(Int64(port.port))])
        }
    }

    /// The indexes would refuse too, but could not say whose it is.
    private func check(_ record: InstanceRecord, _ database: Database) throws(DevError) {
        let holders = try database.rows(
            "SELECT id FROM instance WHERE name = ? AND id <> ?", [.text(record.name.text), .text(record.id)]
        ) { $0.text(0) }
        guard holders.isEmpty else {
            throw DevError(
                .exists, "An instance named \(record.name) exists", object: record.name.text, help: "Choose another name with --name")
        }
        guard record.createdAt.isFinite else {
            throw DevError(.internal, "An instance needs the time it was made", object: record.name.text)
        }
        var own: Set<UInt16> = []
        var kinds: Set<PortRecord.Kind> = []
        for port in record.ports {
            guard port.port != 0, kinds.insert(port.kind).inserted else {
                throw DevError(.internal, "Port \(port.port) can't be the \(port.kind) port of \(record.name)", object: record.name.text)
            }
            let others = try database.rows(
                """
                SELECT instance.name FROM port JOIN instance ON instance.id = port.instance
                WHERE port.port = ? AND port.instance <> ? AND NOT (port.kind = 'http' AND ? = 'http')
                """,
                [.integer(Int64(port.port)), .text(record.id), .text(port.kind.rawValue)]
            ) { $0.text(0) }
            let holder = others.first ?? (own.insert(port.port).inserted ? nil : record.name.text)
            if let holder {
                throw DevError(
                    .portTaken, "Port \(port.port) belongs to the instance \(holder)", object: String(port.port),
                    help: "Choose another port, or 0 for any free one")
            }
        }
    }
}
