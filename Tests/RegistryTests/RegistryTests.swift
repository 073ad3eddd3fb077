import Basics
import Files
import Registry
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct RegistryTests {
    @Test func keepsEveryFieldOverReopening() throws {
        let fixture = try Fixture()
        var full = try record("0000000a", "app--feature", ports: [.init(kind: .main, port: 51_214), .init(kind: .shadow, port: 51_215)])
        full.profile = "ephemeral"
        full.idle = .never
        full.passwordIsGenerated = true
        full.verifier = Secret("SCRAM-SHA-256$4096:c2FsdA==$a:b")
        full.roles = ["postgres", "Rôle \"x\"", "nul\0inside"]
        full.verifierExpires = 1_800_000_000.5
        full.verifierFresh = true
        full.mainDatabase = "main"
        full.settings = ["work_mem": "64MB", "search_path": "\"$user\", public"]
        full.sources = ["settings.work_mem": "/home/me/it's/dev.toml", "idle": InstanceRecord.person]
        full.extensions = ["vector", "pg_trgm"]
        full.front = "pump"
        full.project = "/home/me/it's"
        full.brokenReason = "because\0of"
        let plain = try record("0000000b", "plain")
        do {
            let registry = try fixture.open()
            try registry.save(full)
            try registry.save(plain)
        }
        let registry = try fixture.open()
        #expect(try registry.instances() == [full, plain])
        full.ports = [.init(kind: .main, port: 51_217)]
        full.brokenReason = nil
        try registry.save(full)
        #expect(try registry.instances() == [full, plain])
    }

    @Test func isPrivate() throws {
        let fixture = try Fixture()
        let old = umask(0)
        defer { umask(old) }
        let registry = try fixture.open()
        try registry.save(record("0000000a", "a"))
        try registry.backup()
        for suffix in ["", "-wal", "-shm", ".backup"] {
            var facts = stat()
            #expect(stat(fixture.path + suffix, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600, "\(suffix)")
        }
    }

    @Test func namesAndPortsHaveOneOwner() throws {
        let fixture = try Fixture()
        let registry = try fixture.open()
        let first = try record("0000000a", "a", ports: [.init(kind: .main, port: 51_214), .init(kind: .http, port: 51_213)])
        try registry.save(first)
        let name = try #require(throws: DevError.self) { try registry.save(record("0000000b", "a")) }
        #expect(name.code == .exists)
        let port = try #require(throws: DevError.self) {
            try registry.save(record("0000000b", "b", ports: [.init(kind: .shadow, port: 51_214)]))
        }
        #expect(port.code == .portTaken)
        #expect(port.message.contains("51214") && port.message.contains("instance a"))
        // The HTTP port is shared, but never a database port.
        let crossed = try #require(throws: DevError.self) {
            try registry.save(record("0000000b", "b", ports: [.init(kind: .main, port: 51_213)]))
        }
        #expect(crossed.code == .portTaken)
        try registry.save(record("0000000b", "b", ports: [.init(kind: .main, port: 51_217), .init(kind: .http, port: 51_213)]))
        // Twice in one record; and no kind twice.
        for wrong: [PortRecord] in [
            [.init(kind: .main, port: 6000), .init(kind: .shadow, port: 6000)], [.init(kind: .main, port: 1), .init(kind: .main, port: 2)],
            [.init(kind: .main, port: 0)],
        ] {
            #expect(throws: DevError.self) { try registry.save(record("0000000c", "c", ports: wrong)) }
        }
        #expect(try registry.instances().map(\.name.text) == ["a", "b"])
        // Names and ports change hands in the order of the transactions.
        try registry.save(record("0000000a", "renamed", ports: []))
        try registry.save(record("0000000c", "a", ports: [.init(kind: .main, port: 51_214)]))
    }

    @Test func intentsLastUntilTheyEnd() throws {
        let fixture = try Fixture()
        let instance = try record("0000000a", "a", ports: [.init(kind: .main, port: 51_214)])
        let create: Int64
        do {
            let registry = try fixture.open()
            create = try registry.begin(.create, instance: instance.id, detail: "d", saving: instance, durable: false)
            #expect(try registry.instances() == [instance])
            // A failing save leaves no intent behind.
            #expect(throws: DevError.self) {
                try registry.begin(.create, instance: "0000000b", detail: "", saving: record("0000000b", "a"))
            }
        }
        let registry = try fixture.open()
        #expect(try registry.intents() == [IntentRecord(id: create, kind: .create, instance: instance.id, detail: "d")])
        var changed = instance
        changed.verifierFresh = true
        try registry.finish(create, saving: changed)
        #expect(try registry.instances() == [changed])
        #expect(try registry.intents() == [])
        let error = try #require(throws: DevError.self) { try registry.finish(create, deleting: instance.id) }
        #expect(error.code == .internal)
        #expect(try registry.instances() == [changed])
        let next = try registry.begin(.stop, instance: instance.id, detail: "")
        #expect(next > create)
        try registry.finish(next, deleting: instance.id)
        #expect(try registry.instances() == [])
    }

    @Test func trashGivesBackWhatItTook() throws {
        let fixture = try Fixture()
        let registry = try fixture.open()
        var instance = try record("0000000a", "a", ports: [.init(kind: .main, port: 51_214), .init(kind: .shadow, port: 51_215)])
        instance.settings = ["a": "b"]
        instance.passwordIsGenerated = true
        instance.verifier = Secret("md5abc")
        try registry.save(instance)
        let removed = TrashRecord(instance: instance, removedAt: 10.5, deadline: 604_810.5, path: "/trash/x")
        try registry.finishRemoval(registry.begin(.remove, instance: instance.id, detail: "/trash/x"), removed)
        #expect(try registry.instances() == [] && registry.intents() == [])
        #expect(try registry.trash() == [removed])
        // Name and port are free now, and taken when it wants to come back.
        var other = try record("0000000b", "b", ports: [.init(kind: .main, port: 51_214)])
        try registry.save(other)
        let restore = try registry.begin(.restore, instance: instance.id, detail: "")
        let error = try #require(throws: DevError.self) { try registry.finishRestore(restore, instance) }
        #expect(error.code == .portTaken)
        #expect(try registry.trash() == [removed] && registry.intents().count == 1)
        other.ports = []
        try registry.save(other)
        try registry.finishRestore(restore, instance)
        #expect(try registry.instances() == [instance, other])
        #expect(try registry.trash() == [] && registry.intents() == [])
        try registry.finishRemoval(registry.begin(.remove, instance: instance.id, detail: ""), removed)
        try registry.forgetTrash(instance: instance.id)
        #expect(try registry.trash() == [])
    }

    @Test func settingsComeAndGo() throws {
        let fixture = try Fixture()
        let registry = try fixture.open()
        #expect(try registry.setting("http-port") == nil)
        try registry.set("http-port", "51213")
        try registry.set("http-port", "51220")
        #expect(try registry.setting("http-port") == "51220")
        try registry.set("http-port", nil)
        #expect(try registry.setting("http-port") == nil)
    }

    @Test func manyThreadsMayCall() async throws {
        let fixture = try Fixture()
        let registry = try fixture.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for step in 0..<20 {
                        let instance = try record("\(worker)-\(step)", "n\(worker)-\(step)")
                        try registry.finish(registry.begin(.create, instance: instance.id, detail: "", saving: instance))
                        _ = try registry.instances()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try registry.instances().count == 160)
        #expect(try registry.intents() == [])
    }
}
