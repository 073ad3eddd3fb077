internal import Basics

/// The schema's history: named steps, applied in this order, each in a transaction of its own together with the
/// row that records it. A step that was released never changes; a name in the file that is not here means a newer
/// devdb, and the file is refused.
enum Migrations {
    static let all: [(name: String, statements: [String])] = [
        (
            "1-instances",
            [
                """
                CREATE TABLE instance (
                    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, pg_version TEXT NOT NULL, pg_bin TEXT NOT NULL,
                    profile TEXT NOT NULL, idle TEXT NOT NULL, password TEXT NOT NULL, verifier TEXT, roles TEXT NOT NULL,
                    verifier_fresh INTEGER NOT NULL, main_database TEXT NOT NULL, settings TEXT NOT NULL,
                    extensions TEXT NOT NULL, front TEXT NOT NULL, project TEXT, created_at REAL NOT NULL, broken_reason TEXT
                ) STRICT
                """,
                """
                CREATE TABLE port (
                    instance TEXT NOT NULL REFERENCES instance (id) ON DELETE CASCADE, kind TEXT NOT NULL,
                    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535), PRIMARY KEY (instance, kind)
                ) STRICT
                """,
                // The HTTP port is one for all instances.
                "CREATE UNIQUE INDEX port_owner ON port (port) WHERE kind <> 'http'",
                """
                CREATE TABLE intent (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, instance TEXT NOT NULL, detail TEXT NOT NULL
                ) STRICT
                """,
                // Removed instances as JSON: neither their names nor their ports are taken.
                """
                CREATE TABLE trash (
                    instance TEXT PRIMARY KEY, record TEXT NOT NULL, removed_at REAL NOT NULL, deadline REAL NOT NULL,
                    path TEXT NOT NULL
                ) STRICT
                """,
                "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
            ]
        ),
        ("2-generated-passwords", ["ALTER TABLE instance ADD COLUMN password_generated INTEGER NOT NULL DEFAULT 0"]),
        (
            "3-sources",
            [
                "ALTER TABLE instance ADD COLUMN sources TEXT NOT NULL DEFAULT '{}'",
                "ALTER TABLE instance ADD COLUMN verifier_expires REAL",
                // What dev.toml said at the last `dev up` was a setting, and counts where the instance still has it.
                """
                UPDATE instance SET sources = (
                    SELECT json_group_object(said.key, coalesce(instance.project, '') || '/dev.toml')
                    FROM setting, json_each(setting.value) AS said
                    WHERE setting.key = 'dev.toml.' || instance.id AND said.value = CASE said.key
                        WHEN 'idle' THEN instance.idle WHEN 'profile' THEN instance.profile
                        ELSE (SELECT value FROM json_each(instance.settings) AS has WHERE 'settings.' || has.key = said.key) END)
                """,
                "DELETE FROM setting WHERE key LIKE 'dev.toml.%'",
            ]
        ),
        ("4-http-settings", ["ALTER TABLE instance ADD COLUMN http TEXT NOT NULL DEFAULT '{}'"]),
    ]

    /// "dvdb" in the file's header: tells ours from another program's.
    private static let applicationID: Int64 = 0x6476_6462

    /// - Throws: `newer-state`; `corrupt-state` for a database that is not ours.
    /// - Returns: the names of steps still to do.
    static func pending(_ database: Database) throws(DevError) -> [String] {
        let tables = try database.rows("SELECT name FROM sqlite_master WHERE type = 'table'") { $0.text(0) }
        guard !tables.isEmpty else { return all.map(\.name) }
        let application = try database.rows("PRAGMA application_id") { $0.integer(0) }.first
        guard application == applicationID, tables.contains("migration") else {
            throw RegistryError.corrupt(database.path, cause: "it is a database of another program")
        }
        let done = Set(try database.rows("SELECT name FROM migration") { $0.text(0) })
        let unknown = done.subtracting(all.map(\.name))
        guard unknown.isEmpty else { throw RegistryError.newer(database.path, migrations: unknown.sorted()) }
        return all.map(\.name).filter { !done.contains($0) }
    }

    static func apply(_ database: Database, _ steps: [(name: String, statements: [String])] = all) throws(DevError) {
        try database.transaction { () throws(DevError) in
            try database.run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT")
            try database.run("PRAGMA application_id = \(applicationID)")
        }
        for step in steps {
            try database.transaction { () throws(DevError) in
                let done = try database.rows("SELECT name FROM migration WHERE name = ?", [.text(step.name)]) { $0.text(0) }
                guard done.isEmpty else { return }
                for statement in step.statements { try database.run(statement) }
                try database.run("INSERT INTO migration VALUES (?, datetime())", [.text(step.name)])
            }
        }
    }
}
