import Foundation
import HandoffImage
import TestSupport
import Testing

/// The library's file, where the servers' user can read it; made once, removed with the process's temporary files.
enum TestLibrary {
    static let exists = !HandoffLibrary.image.isEmpty
    static let path: String = {
        let path = "/tmp/devdb-test-handoff-\(HandoffLibrary.hash)-\(UInt32.random(in: 0 ... .max)).so"
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(HandoffLibrary.image), attributes: [.posixPermissions: 0o755])
        return path
    }()
}

@Suite struct HandoffLibraryTests {
    @Test(arguments: PostgresInstallation.all)
    func serversWorkWithItAndChildrenDoNotInheritIt(_ installation: PostgresInstallation) async throws {
        let cluster = try await PostgresCluster.start(installation, preload: TestLibrary.path)
        #expect(try await cluster.sql("select client_addr is null from pg_stat_activity where pid = pg_backend_pid()") == "t")
        try await cluster.sql("copy (select 1) to program 'env > \(cluster.directory)/environment'")
        let environment = try String(contentsOfFile: cluster.directory + "/environment", encoding: .utf8)
        #expect(environment.contains("PWD") && !environment.contains("LD_PRELOAD"))
        try await cluster.stop()
        #expect(cluster.log.contains("database system is shut down"))
    }
}
