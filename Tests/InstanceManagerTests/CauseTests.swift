import Basics
import Foundation
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// What a person reads of a server that does not start, and how it comes back.
@Suite struct CauseTests {
    private func refusal(_ fixture: ManagerFixture, _ id: String) async -> DevError? {
        do {
            _ = try await fixture.manager.endpoint(id)
            return nil
        } catch { return error }
    }

    /// The setting is the registry's: no file has changed before the next start.
    @Test func aSettingThatIsTakenBackIsNoticed() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            // As one that an older daemon took, or that the next PostgreSQL knows no more.
            _ = try await fixture.manager.configure(made.id) { $0.settings = ["nosuch": "1"] }
            let error = try #require(await refusal(fixture, made.id))
            #expect(error.cause?.contains("settings.nosuch of dev config") == true, "\(error)")
            #expect(error.cause?.contains("devdb.conf") == false, "\(error)")
            #expect(error.help?.hasPrefix("Run dev config unset settings.nosuch -n default, ") == true, "\(error)")
            #expect(await refusal(fixture, made.id)?.cause == error.cause)
            _ = try await fixture.manager.configure(made.id) { $0.settings = ["work_mem": "much"] }
            let second = try #require(await refusal(fixture, made.id))
            #expect(second.help?.contains("settings.work_mem") == true, "\(second)")
            _ = try await fixture.manager.configure(made.id) { $0.settings = ["work_mem": "5MB"] }
            #expect(try await fixture.query(made.id, "SHOW work_mem") == "5MB")
        }
    }

    /// A folder above the data: nothing of the instance's own changes when that is set right.
    @Test(.enabled(if: geteuid() == 0)) func aHomeThatIsClosedAndOpenedAgain() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.manager.stop(made.id)
            chmod(fixture.layout.instances, 0o700)
            let error = try #require(await refusal(fixture, made.id))
            #expect(error.help?.contains("chmod o+x \(fixture.layout.instances); ") == true, "\(error)")
            chmod(fixture.layout.instances, 0o711)
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
        }
    }

    @Test func whatIsWrongInTheRulesIsSaid() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            let path = fixture.layout.dataDirectory(made.id) + "/pg_hba.conf"
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data("garbage all all all trust\n".utf8))
            let error = try #require(await refusal(fixture, made.id))
            #expect(error.cause?.contains("invalid connection type \"garbage\"") == true, "\(error)")
            #expect(error.cause?.contains("line ") == true && error.cause?.contains("shut down") == false, "\(error)")
        }
    }

    @Test func theSettingThatTakesTooMuchMemoryIsNamed() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "ALTER SYSTEM SET shared_buffers = '900GB'")
            try await fixture.manager.stop(made.id)
            let error = try #require(await refusal(fixture, made.id))
            #expect(error.message.contains("A setting") && error.cause?.contains("shared_buffers") == true, "\(error)")
        }
    }

    @Test func librariesThatAreNotThereAreNamedWithTheirSetting() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            _ = try await fixture.manager.configure(made.id) { $0.settings = ["shared_preload_libraries": "nosuch"] }
            let own = try #require(await refusal(fixture, made.id))
            #expect(own.cause?.contains("\"nosuch\"") == true && own.cause?.contains("of dev config") == true, "\(own)")
            #expect(own.help?.hasPrefix("Run dev config unset settings.shared_preload_libraries -n default, ") == true, "\(own)")
            _ = try await fixture.manager.configure(made.id) { $0.settings = [:] }
            try await fixture.query(made.id, "ALTER SYSTEM SET shared_preload_libraries = 'nosuch'")
            try await fixture.manager.stop(made.id)
            let altered = try #require(await refusal(fixture, made.id))
            let file = fixture.layout.dataDirectory(made.id) + "/postgresql.auto.conf"
            #expect(
                altered.cause?.contains("shared_preload_libraries: ") == true && altered.cause?.contains(file + ":") == true, "\(altered)")
            try "".write(toFile: file, atomically: false, encoding: .utf8)
            // Those of sessions end every session but the daemon's own.
            _ = try await fixture.manager.configure(made.id) { $0.settings = ["session_preload_libraries": "nosuch"] }
            #expect(try await fixture.manager.ownerVerifier(made.id) != nil)
            #expect(try await fixture.manager.endpoint(made.id).passage == .handoff)
            let notes = await fixture.manager.missingLibraries(made.id)
            #expect(
                notes.count == 1 && notes[0].hasPrefix("session_preload_libraries: ") && notes[0].contains("dev config unset settings."),
                "\(notes)")
            _ = try await fixture.manager.configure(made.id) {
                $0.settings = ["local_preload_libraries": "nosuch", "shared_preload_libraries": "auto_explain"]
            }
            #expect(await fixture.manager.missingLibraries(made.id).count == 1)
            #expect(await fixture.manager.missingLibraries(made.id, ["shared_preload_libraries"]) == [])
        }
    }

    @Test func aFolderThatIsTheServersAgainIsNoticed() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "SELECT 1")
            try await fixture.manager.stop(made.id)
            let data = fixture.layout.dataDirectory(made.id)
            chmod(data, 0o777)
            let error = try #require(await refusal(fixture, made.id))
            #expect(error.help == "Run chmod 700 '\(data)'; the next connection tries again", "\(error)")
            #expect(await refusal(fixture, made.id) == error)
            chmod(data, 0o700)
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
            guard geteuid() == 0, let before = Paths.owner(data) else { return }
            try await fixture.manager.stop(made.id)
            chown(data, 0, .max)
            let second = try #require(await refusal(fixture, made.id))
            #expect(second.help?.contains("chown -R ") == true && second.help?.contains(data) == true, "\(second)")
            chown(data, before.uid, .max)
            #expect(try await fixture.query(made.id, "SELECT 2") == "2")
            try await fixture.manager.stop(made.id)
            chown(data + "/global/pg_control", 0, .max)
            let third = try #require(await refusal(fixture, made.id))
            #expect(third.help?.contains("chown -R ") == true && third.cause?.contains("pg_control") == true, "\(third)")
            chown(data + "/global/pg_control", before.uid, .max)
            #expect(try await fixture.query(made.id, "SELECT 1") == "1")
        }
    }

    /// The daemon's own session is over before the server is told to stop.
    @Test func aStopLeavesNoNoiseInTheLog() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            for _ in 0..<5 {
                _ = try await fixture.manager.endpoint(made.id)
                try await fixture.manager.stop(made.id)
            }
            let log = try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)
            #expect(!log.contains("terminating connection") && !log.contains("Broken pipe") && !log.contains("reset by peer"), "\(log)")
        }
    }
}
