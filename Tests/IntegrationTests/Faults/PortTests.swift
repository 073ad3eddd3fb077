import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Somebody else has the port.
@Suite struct PortTests {
    @Test func takenBeforeTheCreation() async throws {
        try await withFault { fixture in
            let stranger = try Stranger(port: try FreePort.find())
            let port = "\(stranger.port)"
            for flag in ["--db-port", "--shadow-db-port"] {
                let other = flag == "--db-port" ? "--shadow-db-port" : "--db-port"
                let refused = try await fixture.refusal("up", "shop", flag, port, other, "0")
                #expect(refused.code == "port-taken" && refused.status == 4 && refused.object == port)
                #expect(refused.message.contains(port) && refused.message.contains("pid \(getpid())"), "\(refused.text)")
                #expect(!refused.help.isEmpty)
                #expect(try await fixture.list().isEmpty)
                try await fixture.expectNothingHalfMade()
            }
            stranger.leave()
            let made = try Made(await fixture.dev("up", "shop", "--db-port", port, "--shadow-db-port", "0", "--json"))
            #expect("\(made.port)" == port)
            try await fixture.answersWithinASecond(made)
        }
    }

    @Test func takenWhileTheDaemonWasDown() async throws {
        try await withFault { fixture in
            let (main, shadow) = try (FreePort.find(), FreePort.find())
            let made = try Made(await fixture.dev("up", "shop", "--db-port", "\(main)", "--shadow-db-port", "\(shadow)", "--json"))
            try await fixture.psql(made.url, "CREATE TABLE kept AS SELECT g AS x FROM generate_series(1, 1000) g")
            let other = try await fixture.made("other")
            try await fixture.killDaemon()
            let stranger = try Stranger(port: main)

            // One instance has a problem, and says so; the others have none.
            let listed = try await fixture.list()
            let shop = try #require(listed.first { $0["name"] as? String == "shop" })
            #expect((shop["reason"] as? String)?.contains("\(main)") == true, "\(shop)")
            #expect((shop["reason"] as? String)?.contains("pid \(getpid())") == true, "\(shop)")
            try await fixture.answersWithinASecond(other)
            let refused = try await fixture.refusal("up", "shop")
            #expect(refused.code == "port-taken" && refused.object == "\(main)", "\(refused.text)")
            #expect(refused.message.contains("pid \(getpid())"))

            // The other port is there.
            let onShadow = made.url.replacing(":\(main)/", with: ":\(shadow)/")
            #expect(try await fixture.psql(onShadow, "SELECT current_database()") == "devdb_shadow")

            stranger.leave()
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            #expect(try await fixture.list().allSatisfy { $0["reason"] == nil || $0["reason"] is NSNull })
            #expect(try Made(await fixture.dev("up", "shop", "--json")).url == made.url)
        }
    }
}
