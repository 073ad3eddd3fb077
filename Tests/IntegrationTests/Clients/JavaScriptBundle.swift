import Foundation
import TestSupport

/// Stock JavaScript clients that lie beside the repository, or where `DEVDB_SHARED` says: `clients/unpack.sh`, and
/// `clients.tar.gz` with a whole node_modules. Unpacked once, into the build folder.
enum JavaScriptBundle {
    /// - Returns: nil if there are none here, or no node, which is said loudly, once.
    static func folder() async -> String? { await unpacked.value }

    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path()

    /// A folder beside the repository; nil when it is not there, which is said loudly.
    static func shared(_ name: String) -> String? {
        let folder = (ProcessInfo.processInfo.environment["DEVDB_SHARED"] ?? package + "../shared") + "/" + name
        if FileManager.default.fileExists(atPath: folder) { return folder }
        print("*** SKIPPED: there is no \(folder) (DEVDB_SHARED names another place)")
        return nil
    }

    private static let unpacked = Task { () -> String? in
        let shared = ProcessInfo.processInfo.environment["DEVDB_SHARED"] ?? package + "../shared"
        let script = """
            archive="$1/clients/clients.tar.gz"
            [ -f "$archive" ] || { echo "there is no $archive (DEVDB_SHARED names another place)"; exit 1; }
            node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || { echo "node 20 or later was not found"; exit 1; }
            target="$2.build/clients-$(cksum <"$archive" | cut -d ' ' -f 1)"
            if [ ! -d "$target" ]; then
                # Beside its name first: another run may be at it too.
                new=$(mktemp -d "$target.XXXXXX")
                sh "$1/clients/unpack.sh" "$new" && mv -T "$new" "$target" 2>/dev/null || rm -rf "$new"
            fi
            [ -d "$target" ] && echo "$target"
            """
        let result = try? await Command.run("/bin/sh", ["-c", script, "sh", shared, package])
        let said = (result?.output ?? "").trimmingCharacters(in: .newlines)
        if result?.status == 0 { return said }
        print("*** SKIPPED: tests with JavaScript clients: \(said)\(result?.errors ?? "")")
        return nil
    }
}
