import Foundation
import TestSupport
import Testing

/// Folders whose names are the same by chance.
@Suite struct ProjectTests {
    @Test func aFoldersServerIsNotAnothersByChance() async throws {
        try await DaemonFixture.run { fixture in
            func folder(_ place: String) throws -> String {
                let path = fixture.directory + "/\(place)/shop"
                try FileManager.default.createDirectory(atPath: path + "/.git", withIntermediateDirectories: true)
                return path
            }
            let (mine, other) = (try folder("a"), try folder("c"))
            let url = try #require(try await up(fixture, in: mine)["url"] as? String)
            try await fixture.psql(url, "create table t (n int)")
            for words in [
                ["up"], ["url"], ["status"], ["psql", "--", "-c", "select 1"], ["config", "set", "idle", "1h"], ["rm", "--force"],
            ] {
                let refused = try await fixture.dev(words, in: other)
                #expect(refused.status == 4 && refused.output.isEmpty && refused.errors.contains(mine), "\(words): \(refused.errors)")
                #expect(refused.errors.contains("again to every other command") && refused.errors.contains(other + "/dev.toml"))
            }
            // What is advised helps the commands without a name.
            try "name = \"mine\"\n[settings]\nwork_mem = \"5MB\"\n".write(toFile: other + "/dev.toml", atomically: true, encoding: .utf8)
            let own = try await up(fixture, in: other)
            #expect(own["created"] as? Bool == true)
            #expect(try await fixture.done("url", in: other) == own["url"] as? String)
            try FileManager.default.removeItem(atPath: other + "/dev.toml")
            // By its name it is anybody's, and stays whose it is.
            #expect(try await fixture.done("url", "shop", in: other) == url)
            try await fixture.done("up", "shop", in: other)
            #expect(try await fixture.facts("status", in: mine)["project"] as? String == mine)

            // Moved: the next to come takes it, by `up` alone, and is told.
            let moved = fixture.directory + "/b"
            try FileManager.default.createDirectory(atPath: moved, withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: mine, toPath: moved + "/shop")
            let asked = try await fixture.dev("url", in: moved + "/shop")
            #expect(asked.status == 4 && asked.errors.contains("no longer there") && asked.errors.contains("run dev up"))
            let taken = try await up(fixture, in: moved + "/shop")
            #expect(taken["url"] as? String == url && taken["project"] as? String == moved + "/shop")
            #expect((taken["notes"] as? [String])?.contains { $0.contains(mine) && $0.contains("no longer there") } == true)
            #expect(try await fixture.done("url", in: moved + "/shop") == url)
            #expect(try await fixture.dev("url", in: other).status == 4)

            // One that goes by another name now has left it too.
            try "name = \"web\"\n".write(toFile: moved + "/shop/dev.toml", atomically: true, encoding: .utf8)
            let web = try await up(fixture, in: moved + "/shop")
            #expect(web["name"] as? String == "web" && web["created"] as? Bool == true)
            let left = try await up(fixture, in: other)
            #expect(left["url"] as? String == url && (left["notes"] as? [String])?.contains { $0.contains("another name") } == true)
        }
    }

    private func up(_ fixture: DaemonFixture, in folder: String) async throws -> [String: Any] {
        let result = try await fixture.dev(["up", "--json"] + DaemonFixture.anyPorts, in: folder)
        guard result.status == 0, let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] else {
            throw TestFailure("dev up ended with \(result.status): \(result.errors)")
        }
        return object
    }
}
