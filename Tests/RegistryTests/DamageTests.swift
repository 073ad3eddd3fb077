import Basics
import Files
import Foundation
import Testing

@testable import Registry

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct DamageTests {
    @Test func aNewerSchemaIsRefused() throws {
        let fixture = try Fixture()
        do {
            let registry = try fixture.open()
            try registry.write { (database) throws(DevError) in
                try database.run("INSERT INTO migration VALUES ('99-from-the-future', datetime())")
            }
        }
        let before = try DurableFile.read(fixture.path)
        let error = try #require(throws: DevError.self) { try fixture.open() }
        #expect(error.code == .newerState)
        #expect(error.description.contains("newer devdb") && error.description.contains("99-from-the-future"))
        #expect(try DurableFile.read(fixture.path) == before)
    }

    /// A registry from before values had sources: what dev.toml had said was a setting.
    @Test func whatDevTomlSaidIsTakenOver() throws {
        let fixture = try Fixture()
        try DurableFile.write([], to: fixture.path)
        do {
            let database = try Database(path: fixture.path)
            _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
            try Migrations.apply(database, Array(Migrations.all.prefix(2)))
            for (id, project) in [("0000000a", "'/p'"), ("0000000b", "NULL")] {
                try database.run(
                    """
                    INSERT INTO instance VALUES ('\(id)', 'n\(id)', '15', '/b', 'durable', '1h', 'x', NULL, '[]', 0, 'postgres',
                        '{"work_mem":"5MB","a.b":"x"}', '[]', 'handoff', \(project), 0, NULL, 1)
                    """)
            }
            let said = #"{"idle":"10m","profile":"durable","settings.work_mem":"5MB","settings.a.b":"y","settings.gone":"1"}"#
            try database.run("INSERT INTO setting VALUES ('dev.toml.0000000a', ?)", [.text(said)])
        }
        let registry = try fixture.open()
        // Others of its values have been changed since, by a person.
        #expect(
            try registry.instances().map(\.sources) == [["profile": "/p/dev.toml", "settings.work_mem": "/p/dev.toml"], [:]])
        #expect(try registry.setting("dev.toml.0000000a") == nil)
    }

    @Test func anotherProgramsFileIsRefused() throws {
        let fixture = try Fixture()
        try DurableFile.write(Array("not a database at all, but long enough to look at".utf8), to: fixture.path)
        let error = try #require(throws: DevError.self) { try fixture.open() }
        #expect(error.code == .corruptState)
        #expect(error.object == fixture.path)
        // A database, but not ours.
        try TreeClone.remove(fixture.path)
        try DurableFile.write([], to: fixture.path)
        do {
            let foreign = try Database(path: fixture.path)
            try foreign.run("CREATE TABLE music (title TEXT)")
        }
        let other = try #require(throws: DevError.self) { try fixture.open() }
        #expect(other.code == .corruptState)
        #expect(other.cause?.contains("another program") == true)
    }

    /// A damaged file is refused and kept, and the printed command brings the copy back.
    @Test func theHelpOfACorruptRegistryRestoresIt() throws {
        let fixture = try Fixture()
        let instances = try (0..<200).map { try record("id\($0)", "n\($0)", ports: [.init(kind: .main, port: UInt16(2000 + $0))]) }
        do {
            let registry = try fixture.open()
            for instance in instances { try registry.save(instance) }
            try registry.backup()
        }
        var bytes = try DurableFile.read(fixture.path)
        for index in stride(from: 4096, to: bytes.count, by: 7) { bytes[index] = 0xaa }
        try DurableFile.write(bytes, to: fixture.path)
        let error = try #require(throws: DevError.self) { try fixture.open() }
        #expect(error.code == .corruptState)
        #expect(try DurableFile.read(fixture.path) == bytes)
        try runShell(command(in: error))
        #expect(try fixture.open().instances().count == instances.count)
        #expect(try DurableFile.read(fixture.folder + "/damaged/registry.sqlite") == bytes)
    }

    @Test func aLostRegistryIsNotBegunAnew() throws {
        let fixture = try Fixture()
        do {
            let registry = try fixture.open()
            try registry.save(record("0000000a", "a"))
            try registry.backup()
        }
        try TreeClone.remove(fixture.path)
        let error = try #require(throws: DevError.self) { try fixture.open() }
        #expect(error.code == .corruptState)
        #expect(try DurableFile.read(fixture.path + ".backup").isEmpty == false)
        try runShell(command(in: error))
        #expect(try fixture.open().instances().map(\.name.text) == ["a"])
    }

    @Test func aFullDiskIsSaidAndLosesNothing() throws {
        #if os(Linux)
            let fixture = try Fixture()
            guard mount("tmpfs", fixture.folder, "tmpfs", 0, "size=400k") == 0 else {
                return print("SKIPPED: no small disk, mount is not allowed here")
            }
            defer { umount2(fixture.folder, Int32(MNT_DETACH)) }
            let registry = try fixture.open()
            var saved = 0
            let error = try #require(throws: DevError.self) {
                for index in 0..<10_000 {
                    var instance = try record("id\(index)", "n\(index)")
                    instance.brokenReason = String(repeating: "x", count: 2000)
                    try registry.save(instance)
                    saved += 1
                }
            }
            #expect(error.code == .diskFull)
            #expect(try registry.instances().count == saved)
        #endif
    }

    @Test func aReadOnlyHomeIsSaid() throws {
        #if os(Linux)
            let fixture = try Fixture()
            guard mount("tmpfs", fixture.folder, "tmpfs", 0, "size=1m") == 0 else {
                return print("SKIPPED: no disk of our own, mount is not allowed here")
            }
            defer { umount2(fixture.folder, Int32(MNT_DETACH)) }
            do { try fixture.open().save(record("0000000a", "a")) }
            #expect(mount("tmpfs", fixture.folder, nil, UInt(MS_REMOUNT | MS_RDONLY), "size=1m") == 0)
            let error = try #require(throws: DevError.self) { try fixture.open() }
            #expect(error.code == .readOnly)
            let missing = try #require(throws: DevError.self) { try Registry(path: fixture.folder + "/other.sqlite") }
            #expect(missing.code == .readOnly)
        #endif
    }

    /// What stands between the colon of the help and its end, or the next sentence.
    private func command(in error: DevError) -> String {
        let help = error.help ?? ""
        let text = help.range(of: ": ").map { String(help[$0.upperBound...]) } ?? ""
        return text.range(of: ". Or").map { String(text[..<$0.lowerBound]) } ?? text
    }

    private func runShell(_ command: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        try process.run()
        process.waitUntilExit()
    }
}
