import Foundation
import TestSupport
import Testing

/// The two programs as people use them.
@Suite struct LifeTests {
    @Test func upStatusStopRemoveUndo() async throws {
        try await DaemonFixture.run { fixture in
            let ports = DaemonFixture.ownPorts()
            let made = try await fixture.facts("up", "shop", ports[0], ports[1], ports[2], ports[3], "--password", "postgres")
            #expect(made["created"] as? Bool == true && made["state"] as? String == "running")
            #expect((made["pid"] as? Int).map { kill(Int32($0), 0) == 0 } == true)
            let again = try await fixture.facts("up", "shop")
            #expect(
                again["created"] as? Bool == false && again["pid"] as? Int == made["pid"] as? Int
                    && again["url"] as? String == made["url"] as? String)

            #expect(try await fixture.dev("status", "nobody").status == 3)
            #expect(try await fixture.dev("rm", "shop", "--yes").status != 0)
            try await fixture.done("stop", "shop", "--yes")
            let asleep = try await fixture.facts("status", "shop")
            #expect(asleep["state"] as? String == "stopped" && asleep["pid"] is NSNull)
            #expect(fixture.postmasters.isEmpty)
            try await fixture.done("rm", "shop", "--yes")
            #expect(try await fixture.dev("status", "shop").status == 3)
            try await fixture.done("undo", "rm", "shop")
            let back = try await fixture.facts("up", "shop")
            #expect(back["url"] as? String == made["url"] as? String)
        }
    }

    @Test func serverOutlivesTheDaemonAndIsAdopted() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up(ports: DaemonFixture.ownPorts())
            let made = try await fixture.facts("status")
            try await fixture.killDaemon()
            let found = try await fixture.facts("up")
            #expect(found["pid"] as? Int == made["pid"] as? Int)
            #expect(found["url"] as? String == made["url"] as? String)
            #expect(found["prismaPostgresUrl"] as? String == made["prismaPostgresUrl"] as? String)
        }
    }

    @Test func projectFileSpeaks() async throws {
        try await DaemonFixture.run { fixture in
            let folder = fixture.directory + "/app/src"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let file = fixture.directory + "/app/dev.toml"
            try "name = 'anna'\nidle = '3m'\n[settings]\nwork_mem = '9MB'\n".write(toFile: file, atomically: true, encoding: .utf8)
            let made = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0", in: folder)
            #expect(made["name"] as? String == "anna" && made["idle"] as? String == "3m")
            #expect(made["project"] as? String == fixture.directory + "/app")
            try "name = 'anna'\nwork = 1\n".write(toFile: file, atomically: true, encoding: .utf8)
            let refused = try await fixture.dev("up", in: folder)
            #expect(refused.status == 2 && refused.errors.contains("\(file):2:1: unknown key \"work\""))
            // What leaves the file goes back to the default.
            try "name = 'anna'\n".write(toFile: file, atomically: true, encoding: .utf8)
            let later = try await fixture.facts("up", in: folder)
            #expect(later["idle"] as? String == "10m")
        }
    }

    @Test func twoDaemonsAtOnceAreOne() async throws {
        try await DaemonFixture.run { fixture in
            try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<6 { group.addTask { try await fixture.dev("daemon", "start").status } }
                for try await status in group { #expect(status == 0) }
            }
            #expect(DaemonFixture.processes(of: fixture.home).count == 1)
            let second = try await Command.run(fixture.devdProgram, ["--home", fixture.home], environment: fixture.environment)
            #expect(second.status == 4 && second.errors.contains("home-in-use"))
        }
    }
}
