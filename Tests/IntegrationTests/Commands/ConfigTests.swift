import Foundation
import TestSupport
import Testing

/// Where the values of `dev config` are from, and which of them will last.
@Suite struct ConfigTests {
    @Test func whoSetAValueIsKnown() async throws {
        try await DaemonFixture.run { fixture in
            let file = fixture.directory + "/dev.toml"
            func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }
            func sources() async throws -> [String: String] {
                let entries = try await fixture.facts("config")["entries"] as? [[String: Any]] ?? []
                return Dictionary(
                    entries.map { ($0["key"] as? String ?? "", "\($0["value"] ?? "") \($0["source"] ?? "")") }, uniquingKeysWith: { $1 })
            }
            // 10m is the default too.
            try write("name = \"shop\"\nidle = \"10m\"\npassword = \"a\"\n[settings]\nwork_mem = \"5MB\"\n")
            try await fixture.up("shop", ports: DaemonFixture.anyPorts + ["--set", "max_connections=50", "--profile", "durable"])
            var expected = [
                "front": "handoff default", "idle": "10m dev.toml", "password": "*** dev.toml", "profile": "durable config",
                "settings.work_mem": "5MB dev.toml", "settings.max_connections": "50 config",
            ]
            #expect(try await sources() == expected)

            // What dev.toml says otherwise returns, which is said.
            let flag = try await fixture.dev(["up", "shop", "--idle", "30m"] + DaemonFixture.anyPorts)
            #expect(flag.status == 0 && flag.errors.contains("idle = \"10m\", which returns at the next dev up"), "\(flag.errors)")
            let set = try await fixture.dev("config", "set", "idle", "1h")
            #expect(set.status == 0 && set.errors.contains(file) && set.errors.contains("next dev up") && set.errors.contains("10m"))
            let answer = try await fixture.facts("config", "set", "settings.work_mem", "6MB", "-n", "shop")
            #expect((answer["notes"] as? [String])?.count == 1)
            #expect(try await fixture.dev("config", "set", "password", "b").errors.contains(file))
            #expect(try await fixture.dev("config", "set", "profile", "ephemeral").errors.contains(file) == false)
            expected["idle"] = "1h config"
            expected["settings.work_mem"] = "6MB config"
            expected["password"] = "*** config"
            expected["profile"] = "ephemeral config"
            #expect(try await sources() == expected)
            // The same as in the file: nothing to tell.
            #expect(try await fixture.dev("config", "set", "idle", "10m").errors.contains(file) == false)

            try await fixture.done("up")
            #expect(try await sources()["settings.work_mem"] == "5MB dev.toml")
            // Gone from the file, gone from the server; but not what a person set.
            try write("name = \"shop\"\n")
            try await fixture.done("up")
            #expect(
                try await sources() == [
                    "front": "handoff default", "idle": "10m default", "password": "*** kept", "profile": "ephemeral config",
                    "settings.max_connections": "50 config",
                ])
            try await fixture.done("config", "unset", "profile")
            #expect(try await sources()["profile"] == "durable default")
        }
    }

    @Test func aLineThatWinsIsSaid() async throws {
        try await DaemonFixture.run { fixture in
            let url = try await fixture.up("shop")
            try await fixture.psql(url, "alter system set work_mem = '11MB'")
            let set = try await fixture.dev("config", "set", "settings.work_mem", "9MB", "-n", "shop")
            #expect(set.errors.contains("postgresql.auto.conf:") && set.errors.contains("ALTER SYSTEM RESET work_mem"), "\(set.errors)")
            #expect(!set.errors.contains("Takes effect"))
            let shown = try await fixture.dev("config", "-n", "shop")
            #expect(shown.output.contains("9MB") && shown.errors.contains("work_mem = '11MB'"), "\(shown.errors)")
            let other = try await fixture.dev("config", "set", "idle", "1h", "-n", "shop")
            #expect(other.status == 0 && !other.errors.contains("11MB"))
            try await fixture.psql(url, "alter system reset work_mem")
            #expect(try await fixture.dev("config", "-n", "shop").errors.contains("11MB") == false)
        }
    }

    @Test func aFileThatIsGoneSaysNothingMore() async throws {
        try await DaemonFixture.run { fixture in
            let folder = fixture.directory + "/shop"
            let file = folder + "/dev.toml"
            try FileManager.default.createDirectory(atPath: folder + "/.git", withIntermediateDirectories: true)
            func write() throws {
                try "idle = \"5m\"\npassword = \"a\"\n[settings]\nwork_mem = \"5MB\"\n[limits]\nqueryTimeout = \"5s\"\n"
                    .write(toFile: file, atomically: true, encoding: .utf8)
            }
            func sources() async throws -> [String: String] {
                let entries = try await fixture.facts("config", "-n", "shop")["entries"] as? [[String: Any]] ?? []
                return Dictionary(
                    entries.map { ($0["key"] as? String ?? "", "\($0["value"] ?? "") \($0["source"] ?? "")") }, uniquingKeysWith: { $1 })
            }
            try write()
            _ = try await fixture.dev(["up"] + DaemonFixture.anyPorts, in: folder)
            try await fixture.done("config", "set", "profile", "ephemeral", in: folder)
            let before = try await sources()
            #expect(before["idle"] == "5m dev.toml" && before["settings.work_mem"] == "5MB dev.toml")
            try FileManager.default.removeItem(atPath: file)
            // From elsewhere nobody knows of the file.
            try await fixture.done("up", "shop")
            #expect(try await sources() == before)
            try await fixture.done("up", in: folder)
            let after = ["front": "handoff default", "idle": "10m default", "password": "*** kept", "profile": "ephemeral config"]
            #expect(try await sources() == after)
            // By its name, from below the folder.
            try write()
            try await fixture.done("up", in: folder)
            #expect(try await sources()["limits.queryTimeout"] == "5s dev.toml")
            try FileManager.default.removeItem(atPath: file)
            try await fixture.done("up", "shop", in: folder + "/.git")
            #expect(try await sources() == after)
        }
    }
}
