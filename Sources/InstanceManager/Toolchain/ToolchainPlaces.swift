internal import Basics

/// Where PostgreSQL is looked for, in order (issue §2). Reads folders, starts nothing.
enum ToolchainPlaces {
    struct Place: Equatable, Sendable {
        var bin: String
        var source: String
    }

    /// - Parameter root: put before every fixed path; tests have their own file system there.
    static func search(environment: [String: String], root: String = "") -> [Place] {
        var places: [Place] = []
        func add(_ bin: String, _ source: String) {
            if Paths.isFolder(bin) { places.append(Place(bin: bin, source: source)) }
        }
        for folder in (environment["DEVDB_PG_BIN"] ?? "").split(separator: ":") {
            // Kept when it is not there: a wrong setting is said, not passed over.
            places.append(Place(bin: String(folder), source: "DEVDB_PG_BIN"))
        }
        for version in Paths.list(root + "/usr/lib/postgresql") { add(root + "/usr/lib/postgresql/\(version)/bin", "debian") }
        for prefix in ["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"] {
            for keg in Paths.list(root + prefix + "/opt") where keg == "postgresql" || keg.hasPrefix("postgresql@") {
                add(root + prefix + "/opt/\(keg)/bin", "homebrew")
            }
        }
        let app = root + "/Applications/Postgres.app/Contents/Versions"
        for version in Paths.list(app) { add("\(app)/\(version)/bin", "postgres.app") }
        for folder in Paths.list(root + "/usr") where folder.hasPrefix("pgsql-") { add(root + "/usr/\(folder)/bin", "pgdg-rpm") }
        return places
    }

    /// The first `pg_config` on PATH; it is asked for its bin folder.
    static func configProgram(environment: [String: String]) -> String? {
        for folder in (environment["PATH"] ?? "").split(separator: ":") where folder.hasPrefix("/") {
            let path = folder + "/pg_config"
            if Paths.isExecutable(String(path)) { return String(path) }
        }
        return nil
    }
}
