import Foundation
import TestSupport
import Testing

/// Ports that instances lose, get and keep.
@Suite struct MovedPortTests {
    /// A removed instance finds its ports when it comes back, as long as nobody asked for them by number.
    @Test func whatIsInTheTrashKeepsItsPorts() async throws {
        try await withFault { fixture in
            let ports = try ["--db-port", "\(FreePort.find())", "--shadow-db-port", "\(FreePort.find())"]
            let made = try Made(await fixture.dev(["up", "old", "--json"] + ports))
            let shadow = try await Self.shadowPort("old", fixture)
            try await fixture.done("rm", "old", "--force", "--yes")
            let same = try await fixture.dev("undo", "rm", "old", "--json")
            #expect(try Made(same).url == made.url && same.errors.isEmpty, "\(same)")

            try await fixture.done("rm", "old", "--yes")
            let taker = try await fixture.dev("up", "taker", "--db-port", "\(made.port)", "--shadow-db-port", "0")
            #expect(taker.status == 0 && taker.errors.contains("warning: Port \(made.port) was that of old"), "\(taker)")
            let back = try await fixture.dev("undo", "rm", "old")
            #expect(back.status == 0 && back.errors.contains("warning: The URL of old has changed: it had port \(made.port)"), "\(back)")
            // What is free stays what it was.
            #expect(try await Self.shadowPort("old", fixture) == shadow)
        }
    }

    /// Whoever has the old shadow URL empties the database that is there: never another's, and never the instance's own.
    @Test func noMainDatabaseComesToAShadowsPort() async throws {
        try await withFault { fixture in
            let made = try Made(await fixture.dev("up", "old", "--json"))
            let (main, shadow) = (made.port, try await Self.shadowPort("old", fixture))
            try await fixture.psql(made.url, "CREATE TABLE precious AS SELECT 1 AS x")
            try await fixture.done("rm", "old", "--force", "--yes")
            try await fixture.done("up", "taker", "--db-port", "\(main)", "--shadow-db-port", "0")
            let back = try Made(await fixture.dev("undo", "rm", "old", "--json"))
            #expect(back.port != main && back.port != shadow, "\(back.url)")
            #expect(try await fixture.psql(back.url, "SELECT x FROM precious") == "1")

            // Also one that is in the trash, when any port will do.
            try await fixture.done("rm", "old", "--force", "--yes")
            let fresh = try Made(await fixture.dev("up", "fresh", "--db-port", "0", "--shadow-db-port", "0", "--json"))
            #expect(fresh.port != shadow && fresh.port != back.port)
            let asked = try await fixture.dev("up", "asked", "--db-port", "\(shadow)", "--shadow-db-port", "0")
            #expect(asked.status == 0 && asked.errors.contains("whoever still has that URL empties"), "\(asked)")
        }
    }

    /// With its own shadow port forgotten, the numbering alone keeps the two kinds apart.
    @Test func movedPortsKeepTheirKind() async throws {
        try await withFault { fixture in
            let made = try Made(await fixture.dev("up", "shop", "--db-port", "0", "--shadow-db-port", "0", "--json"))
            let shadow = try await Self.shadowPort("shop", fixture)
            try await fixture.done("up", "shop", "--shadow-db-port", "\(FreePort.find())")
            try await fixture.killDaemon()
            let stranger = try Stranger(port: made.port)
            let moved = try Made(await fixture.dev("up", "shop", "--db-port", "0", "--json"))
            #expect(moved.port != made.port && moved.port != shadow, "\(moved.url)")
            stranger.leave()
        }
    }

    private static func shadowPort(_ name: String, _ fixture: DaemonFixture) async throws -> UInt16 {
        let port = try await fixture.facts("status", name)["shadowPort"] as? Int
        return try UInt16(#require(port))
    }

    /// What the message says to do helps.
    @Test func aTakenPortIsLeftForAnother() async throws {
        try await withFault { fixture in
            let (main, shadow) = try (FreePort.find(), FreePort.find())
            let made = try Made(await fixture.dev("up", "shop", "--db-port", "\(main)", "--shadow-db-port", "\(shadow)", "--json"))
            try await fixture.psql(made.url, "CREATE TABLE kept AS SELECT 42 AS answer")
            try await fixture.killDaemon()
            let strangers = try [Stranger(port: main), Stranger(port: shadow)]
            let refused = try await fixture.refusal("up", "shop")
            #expect(refused.code == "port-taken" && refused.help.contains("dev up shop --db-port 0"), "\(refused)")
            #expect(try await fixture.dev("ls").output.contains(", port taken"))

            let moved = try await fixture.dev("up", "shop", "--db-port", "0")
            #expect(moved.status == 0 && moved.errors.contains("warning: The URL of shop has changed: it had port \(main)"), "\(moved)")
            // The shadow port alone is missing: that is worth a word, no more.
            #expect(moved.errors.contains("dev up shop --shadow-db-port 0"), "\(moved)")
            let url = try await fixture.done("url", "shop")
            #expect(!url.contains(":\(main)/"))
            #expect(try await fixture.psql(url, "SELECT answer FROM kept") == "42")
            try await fixture.done("stop", "shop", "--yes")
            let started = try await fixture.dev("start", "shop")
            #expect(started.status == 0 && started.errors.contains("warning: Port \(shadow) is used by pid \(getpid())"), "\(started)")

            try await fixture.done("up", "shop", "--shadow-db-port", "0")
            #expect(try await !fixture.dev("ls").output.contains("port taken"))
            for stranger in strangers { stranger.leave() }
            // What it has stays: 0 in a script must not move it each time.
            #expect(try await fixture.done("up", "shop", "--db-port", "0", "-d") == url)
        }
    }

    /// URLs with the HTTP port are in people's files: its change is told, and it comes back.
    @Test func theDaemonTakesItsHTTPPortBack() async throws {
        try await withFault { fixture in
            let port = try FreePort.find()
            let daemon = try await fixture.dev("daemon", "start", "--json", environment: ["DEVDB_HTTP_PORT": "\(port)"])
            #expect(daemon.output.contains("\(port)"))
            _ = try await fixture.made("shop")
            try await fixture.killDaemon()
            let stranger = try Stranger(port: port)
            let started = try await fixture.dev("daemon", "start")
            let told = "\(port), which it had, was used by pid \(getpid())"
            #expect(started.status == 0 && started.errors.contains(told), "\(started)")
            #expect(try await fixture.dev("status", "shop").errors.contains(told))
            let doctor = try await fixture.dev("doctor")
            #expect(doctor.status == 1 && doctor.output.contains(told), "\(doctor)")
            let meanwhile = try await fixture.facts("daemon", "status")["httpPort"] as? Int
            try await fixture.killDaemon()
            #expect(try await fixture.facts("daemon", "start")["httpPort"] as? Int == meanwhile)
            stranger.leave()
            let back = try await fixture.dev("daemon", "restart")
            #expect(back.output.contains("localhost:\(port)\n") && back.errors.contains("is \(port), and was"), "\(back)")
            #expect(try await fixture.dev("daemon", "restart").errors.isEmpty)
        }
    }

    @Test func aServerMovesToThePortThatIsGiven() async throws {
        try await withFault { fixture in
            let port = try FreePort.find()
            let made = try await fixture.made("shop")
            let stranger = try Stranger(port: try FreePort.find())
            let refused = try await fixture.refusal("up", "shop", "--db-port", "\(stranger.port)")
            #expect(refused.code == "port-taken" && refused.object == "\(stranger.port)", "\(refused)")
            try await fixture.answersWithinASecond(made)

            let moved = try Made(await fixture.dev("up", "shop", "--db-port", "\(port)", "--json"))
            #expect(moved.port == port)
            try await fixture.answersWithinASecond(moved)
            let old = try await Command.run("psql", ["-d", made.url, "-c", "SELECT 1"])
            #expect(old.errors.contains("refused"), "\(old)")
        }
    }
}
