import Foundation
import HandoffImage
import Loop
import PostgresWire
import TestSupport
import Testing

/// The library's file, where the servers' user can read it.
enum TestLibrary {
    static let exists = !HandoffLibrary.image.isEmpty
    static let path: String = {
        // One file per build of the library, shared by all test runs; written beside its name first.
        let path = "/tmp/devdb-test-handoff-\(HandoffLibrary.hash).so"
        let new = path + ".\(UInt32.random(in: 0 ... .max))"
        _ = FileManager.default.createFile(atPath: new, contents: Data(HandoffLibrary.image), attributes: [.posixPermissions: 0o755])
        rename(new, path)
        return path
    }()
}

@Suite struct HandoffLibraryTests {
    @Test(arguments: PostgresInstallation.all)
    func serversWorkWithItAndChildrenDoNotInheritIt(_ installation: PostgresInstallation) async throws {
        let cluster = try await PostgresCluster.start(installation, preload: TestLibrary.path)
        #expect(try await cluster.sql("select client_addr is null from pg_stat_activity where pid = pg_backend_pid()") == "t")
        // It takes what it is given: whoever writes to one that has ended gets an error.
        try await cluster.sql("copy (select 1) to program 'env > \(cluster.directory)/environment; cat > /dev/null'")
        let environment = try String(contentsOfFile: cluster.directory + "/environment", encoding: .utf8)
        #expect(environment.contains("PWD") && !environment.contains("LD_PRELOAD"))
        try await cluster.stop()
        #expect(cluster.log.contains("database system is shut down"))
    }

    /// Whoever waits for the end of a session does not wait for the front, which has a copy of the socket.
    @Test(.timeLimit(.minutes(1)), arguments: PostgresInstallation.all)
    func anEndIsTheClientsAtOnce(_ installation: PostgresInstallation) async throws {
        let cluster = try await PostgresCluster.start(installation, preload: TestLibrary.path)
        try await LoopThread.run { loop in
            let (client, handed) = try Socket.pair(loop: loop)
            let name = HandoffMessage.peerName(trusted: true, address: "::1", port: 40_000, random: .random(in: 0 ... .max))
            let tether = try await Socket.unix(loop: loop, path: cluster.socketPath, name: name)
            let packet = StartupPacket(user: "postgres", database: "postgres").encoded()
            try await tether.write(HandoffMessage.encode(packet), passing: handed.descriptor)
            var said: [UInt8] = []
            // ReadyForQuery.
            while said.suffix(6) != [UInt8(ascii: "Z"), 0, 0, 0, 5, UInt8(ascii: "I")] {
                try #require(try await client.read(into: &said, max: 4096) > 0, "\(String(decoding: said, as: UTF8.self))")
            }
            try await client.write([UInt8(ascii: "X"), 0, 0, 0, 4])
            #expect(try await client.read(into: &said, max: 4096) == 0)
            handed.close()
        }
        try await cluster.stop()
    }
}
