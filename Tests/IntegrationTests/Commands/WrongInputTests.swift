import Foundation
import TestSupport
import Testing

/// Whatever people give it, the program says what is wrong with what, and what to do.
@Suite struct WrongInputTests {
    @Test func projectFilesThatCannotBeRead() async throws {
        try await DaemonFixture.run { fixture in
            let deep = String(repeating: "[", count: 20_000)
            let large = "# " + String(repeating: "x", count: 100_000)
            for (number, script) in [
                "mkdir dev.toml", "mkfifo dev.toml", "ln -s dev.toml dev.toml", "ln -s nowhere dev.toml", "printf 'name = ' >dev.toml",
                "printf 'name = \"\\377\"' >dev.toml",
                "printf 'name = \"a b\"' >dev.toml", "printf 'pg = \"x\"' >dev.toml", "printf 'idle = \"soon\"' >dev.toml",
                "printf 'password = 3' >dev.toml", "printf 'settings = 1' >dev.toml", "printf 'name = \"a\"\\nname = \"b\"' >dev.toml",
                "printf 'a = \(deep)' >dev.toml", "printf '\(large)' >dev.toml",
            ].enumerated() {
                let folder = fixture.directory + "/p\(number)"
                let made = try await Command.run("/bin/sh", ["-c", "mkdir \(folder) && cd \(folder) && \(script)"])
                #expect(made.status == 0)
                for words in [["up", "--json"], ["url", "--json"]] {
                    let refused = try Refusal(await fixture.dev(words, in: folder), words)
                    #expect(refused.status == 2 && refused.code == "bad-configuration", "\(script): \(refused)")
                    #expect(refused.object == folder + "/dev.toml" && !refused.help.isEmpty, "\(script): \(refused)")
                }
            }
            #expect(try await fixture.list().isEmpty)
        }
    }

    @Test func homesThatCannotBe() async throws {
        try await DaemonFixture.run { fixture in
            try "x".write(toFile: fixture.directory + "/file", atomically: true, encoding: .utf8)
            var homes = [fixture.directory + "/file", fixture.directory + "/file/below", "/tmp/" + String(repeating: "x", count: 300)]
            #if os(Linux)
                homes.append("/proc/devdb")
            #endif
            for home in homes {
                let refused = try await fixture.refusal("ls", environment: ["DEVDB_HOME": home])
                #expect(
                    [1, 2].contains(refused.status) && !refused.object.isEmpty && refused.help.contains("DEVDB_HOME"), "\(home): \(refused)"
                )
            }
            for (name, value, status) in [
                ("DEVDB_DEVD", "/etc/passwd", Int32(5)), ("DEVDB_DEVD", "/nowhere", 5), ("DEVDB_DEVD", "/bin/true", 5),
                ("DEVDB_HTTP_PORT", "many", 2), ("DEVDB_HTTP_PORT", "70000", 2),
            ] {
                let refused = try await fixture.refusal("ls", environment: [name: value])
                #expect(refused.status == status && !refused.object.isEmpty && !refused.help.isEmpty, "\(name)=\(value): \(refused)")
            }
        }
    }

    /// What the message says to do helps.
    @Test func aSettingThatPostgresDoesNotKnow() async throws {
        try await DaemonFixture.run { fixture in
            let ports = ["--db-port", "0", "--shadow-db-port", "0"]
            for (pair, name) in [("nope=1", "nope"), ("Work_Mem=much", "Work_Mem"), ("wal_level=most", "wal_level")] {
                let refused = try await fixture.refusal(["up", "shop", "--set", pair] + ports)
                #expect(refused.code == "bad-configuration" && refused.object == name && refused.cause.contains("\""), "\(refused)")
            }
            #expect(try await fixture.list().isEmpty)
            // An extension's are its own to judge. What settings mean together only the start tells.
            try await fixture.up("shop", ports: ports + ["--set", "my_extension.on=1", "--set", "work_mem=5MB"])
            for pair in [["work_mem", "much"], ["nope", "1"]] {
                let refused = try await fixture.refusal(["config", "set", "settings." + pair[0], pair[1], "-n", "shop"])
                #expect(refused.code == "bad-configuration" && refused.object == pair[0], "\(refused)")
            }
            #expect(try await fixture.done("config", "get", "settings.work_mem", "-n", "shop") == "5MB")
            try await fixture.done("config", "set", "settings.superuser_reserved_connections", "1000", "-n", "shop")
            try await fixture.done("stop", "shop", "--yes")
            let failed = try await fixture.refusal("up", "shop")
            #expect(failed.code == "start-failed" && failed.cause.contains("superuser_reserved_connections"), "\(failed)")
            #expect(failed.help.hasPrefix("Run dev config unset settings.superuser_reserved_connections -n shop, "), "\(failed)")
            try await fixture.done("config", "unset", "settings.superuser_reserved_connections", "-n", "shop")
            try await fixture.done("start", "shop")
            #expect(try await fixture.facts("status", "shop")["state"] as? String == "running")

            let file = fixture.directory + "/dev.toml"
            try "name = \"shop\"\n[settings]\nwork_mem = \"6MB\"\n  nope = 1\n".write(toFile: file, atomically: true, encoding: .utf8)
            let inFile = try await fixture.refusal("up")
            #expect(inFile.code == "bad-configuration" && inFile.message.hasPrefix(file + ":4:3: "), "\(inFile)")
            #expect(try await fixture.done("config", "get", "settings.work_mem") == "5MB")
        }
    }

    @Test func commandsThatFailSayWhatToDo() async throws {
        try await DaemonFixture.run { fixture in
            try await fixture.up("shop")
            for (words, status, code) in [
                (["status", "nobody"], Int32(3), "not-found"), (["rm", "shop"], 4, "running"), (["up", "shop", "--pg", "99"], 4, ""),
                (["up", "other", "--pg", "99"], 3, "no-postgres"), (["config", "set", "idle", "soon", "-n", "shop"], 2, "usage"),
                (["config", "set", "", "x", "-n", "shop"], 2, "usage"), (["config", "get", "nope", "-n", "shop"], 3, "not-found"),
                (["config", "unset", "password", "-n", "shop"], 2, "usage"), (["undo", "rm", "nobody"], 3, "not-found"),
                (["up", "other", "--db-port", "22"], 4, ""), (["up", "other", "--set", "port=1"], 2, "bad-configuration"),
                (["up", "other", "--password", ""], 2, "usage"), (["env", "shop", "--write", "nowhere/x"], 1, "system"),
                (["env", "shop", "--write", "."], 1, "system"), (["env", "shop", "--write", ""], 2, "usage"),
            ] {
                let words = words + ["--json"]
                let result = try await fixture.dev(words)
                guard words.contains("--write") == false else {
                    // Not together with --json.
                    let plain = try await fixture.dev(Array(words.dropLast()))
                    #expect(plain.status == status && plain.errors.hasPrefix("error[\(code)]: "), "\(words): \(plain)")
                    continue
                }
                let refused = try Refusal(result, words)
                #expect(refused.status == status && (code.isEmpty || refused.code == code), "\(words): \(refused)")
                #expect(!refused.object.isEmpty || words.contains(""), "\(words): \(refused)")
                #expect(!refused.help.isEmpty || !refused.cause.isEmpty, "\(words): \(refused)")
            }
            #expect(try await fixture.list().count == 1)
        }
    }
}
