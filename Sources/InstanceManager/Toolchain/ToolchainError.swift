internal import Basics

enum ToolchainError {
    static func none(found: [Toolchain]) -> DevError {
        DevError(
            .noPostgres, "No usable PostgreSQL was found", object: "postgres", cause: summary(found),
            help: "Run \(InstallCommand.here()), or set DEVDB_PG_BIN to a folder that has postgres and initdb")
    }

    /// - Parameter isOfData: data that are there want it: no other will do.
    static func missing(major: String, found: [Toolchain], isOfData: Bool = false) -> DevError {
        let install = InstallCommand.knows(major) ? "Run \(InstallCommand.here(major: major))" : nil
        return DevError(
            .noPostgres, "PostgreSQL \(major) was not found", object: major, cause: summary(found),
            help: isOfData
                ? (install ?? "Install PostgreSQL \(major)") + "; the data of the server are of that version"
                : install.map { $0 + ", or choose one that is here with --pg" } ?? "Choose one that is here with --pg")
    }

    /// The data directory is another major's than what was asked to run it.
    static func mismatch(name: String, data: String, toolchain: String) -> DevError {
        DevError(
            .versionMismatch, "The data of \(name) belongs to PostgreSQL \(data), not to \(toolchain)", object: name,
            help: (InstallCommand.knows(data) ? "Run \(InstallCommand.here(major: data))" : "Install PostgreSQL \(data)")
                + "; a new instance takes --pg \(toolchain)")
    }

    private static func summary(_ found: [Toolchain]) -> String? {
        guard !found.isEmpty else { return nil }
        return "found "
            + found.map { toolchain in
                (toolchain.version.isEmpty ? "" : toolchain.version + " in ") + toolchain.bin
                    + (toolchain.problem.map { " (\($0))" } ?? "")
            }.joined(separator: ", ")
    }
}
