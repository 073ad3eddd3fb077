internal import Foundation

/// A PostgreSQL to test with.
public struct PostgresInstallation: Sendable, CustomStringConvertible {
    public let major: Int
    /// Its bin folder.
    public let bin: String
    public var description: String { "PostgreSQL \(major)" }

    public func program(_ name: String) -> String { bin + "/" + name }

    /// 15 from Debian; 16 (and 18) as scripts/fetch-postgres.sh unpacks them. A major that is not there is said loudly, once.
    public static let all: [PostgresInstallation] = [15, 16, 18].compactMap { major in
        if let found = find(major) { return found }
        if major != 18 {
            print("*** SKIPPED: tests with PostgreSQL \(major), which was not found (scripts/fetch-postgres.sh gets 16)")
        }
        return nil
    }

    /// The oldest that is there, for tests that need just one.
    public static let any = all[0]

    public static func find(_ major: Int) -> PostgresInstallation? {
        var folders = ["/usr/lib/postgresql/\(major)/bin", "/opt/homebrew/opt/postgresql@\(major)/bin"]
        if let named = ProcessInfo.processInfo.environment["DEVDB_TEST_PG\(major)_BIN"] { folders.insert(named, at: 0) }
        if major > 15, let fetched { folders.append(fetched + "/pginstall" + (major == 16 ? "" : "\(major)") + "/bin") }
        return folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/postgres") }
            .map { PostgresInstallation(major: major, bin: $0) }
    }

    /// Where the script keeps them; on its first run on a machine it downloads them.
    private static let fetched: String? = {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        guard let child = try? Child.start(package.appending(path: "scripts/fetch-postgres.sh").path(percentEncoded: false), []) else {
            return nil
        }
        child.write("")
        let result = child.wait(seconds: 300)
        return result.status == 0 ? result.output.trimmingCharacters(in: .newlines) : nil
    }()
}
