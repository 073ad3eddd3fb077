import Basics
import Foundation
import Profiles
import Testing

@testable import InstanceManager

@Suite struct ServerSettingsTests {
    @Test func profileComesBeforeSettings() throws {
        let text = ServerSettings.file(profile: "durable", major: 15, name: "shop", settings: ["work_mem": "8MB"], linux: true)
        let lines = text.split(separator: "\n")
        let fsync = try #require(lines.firstIndex(of: "fsync = on"))
        let own = try #require(lines.firstIndex(of: "work_mem = '8MB'"))
        #expect(fsync < own)
        #expect(lines.contains("recovery_init_sync_method = syncfs"))
    }

    @Test func taggedLinesAreLeftOutWhereTheyDoNotFit() {
        let old = ServerSettings.file(profile: "durable", major: 13, name: "a", settings: [:], linux: true)
        let mac = ServerSettings.file(profile: "durable", major: 16, name: "a", settings: [:], linux: false)
        #expect(!old.contains("recovery_init_sync_method"))
        #expect(!mac.contains("recovery_init_sync_method"))
    }

    @Test func valuesAreQuoted() {
        #expect(ServerSettings.quoted("it's \\ fine") == "'it''s \\\\ fine'")
    }

    @Test(arguments: ["listen_addresses", "PORT", "hba_file"])
    func whatIsOursIsRefused(name: String) {
        #expect(throws: DevError.self) { try ServerSettings.check([name: "x"]) }
    }

    @Test(arguments: ["a b", "", "1a", "a=b", "a'b"])
    func namesAreChecked(name: String) {
        #expect(throws: DevError.self) { try ServerSettings.check([name: "x"]) }
    }

    @Test func lineBreaksAreRefused() {
        #expect(throws: DevError.self) { try ServerSettings.check(["work_mem": "1\nport = 1"]) }
    }

    @Test func everyProfileHasText() throws {
        for name in Profiles.names {
            try ServerSettings.checkProfile(name)
            #expect(Profiles.text(name)?.contains("fsync") == true)
        }
        #expect(throws: DevError.self) { try ServerSettings.checkProfile("fast") }
    }
}

@Suite struct PersonsSettingTests {
    @Test func theLineThatCountsIsFound() throws {
        let data = "/tmp/devdb-settings-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        try FileManager.default.createDirectory(atPath: data + "/more", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: data) }
        func write(_ name: String, _ text: String) throws { try text.write(toFile: data + "/" + name, atomically: false, encoding: .utf8) }
        func find(_ name: String, isOurs: Bool = true) -> PersonsSetting? { PersonsSetting.find(name, data: data, isOurs: isOurs) }

        try write(
            "postgresql.conf",
            "work_mem = 1MB\njit off # not now\ninclude 'devdb.conf'\n#work_mem = 2MB\nWork_Mem='7MB'\ninclude_dir 'more'\ninclude_if_exists no"
        )
        try write("more/a.conf", "application_name = 'it''s \\\\ mine'\n")
        #expect(find("work_mem") == PersonsSetting(value: "7MB", file: data + "/postgresql.conf", line: 5))
        #expect(find("jit") == nil && find("jit", isOurs: false)?.value == "off")
        #expect(find("APPLICATION_NAME")?.value == "it's \\ mine" && find("fsync") == nil)
        try write("postgresql.auto.conf", "# by ALTER SYSTEM\nwork_mem = '11MB'\n")
        #expect(find("work_mem")?.value == "11MB" && find("work_mem")?.isAltered == true)
    }
}

@Suite struct HostRulesTests {
    @Test func writingTwiceIsWritingOnce() {
        let once = HostRules.file(present: nil)
        #expect(HostRules.file(present: once) == once)
    }

    @Test func ownLinesStayBetweenTheBlocks() throws {
        let own = "host secret all 127.0.0.1/32 reject"
        let text = HostRules.file(present: HostRules.file(present: nil) + own + "\n")
        #expect(HostRules.file(present: text) == text)
        let lines = text.split(separator: "\n").map(String.init)
        let place = try #require(lines.firstIndex(of: own))
        let trust = try #require(lines.firstIndex { $0.contains("::1/128") })
        let all = try #require(lines.firstIndex { $0.contains("127.0.0.1/32 md5") })
        #expect(trust < place && place < all)
    }
}

@Suite struct ServerLogReadingTests {
    @Test func aSettingIsNamedWithFileAndLine() {
        let log = """
            2026-01-01 LOG:  unrecognized configuration parameter "wrok_mem" in file "/d/postgresql.conf" line 9
            2026-01-01 FATAL:  configuration file "/d/postgresql.conf" contains errors
            """
        let failure = ServerLogReading.failure(in: log, name: "a", exit: "exit code 1")
        #expect(failure.permanent)
        #expect(failure.error.cause == "unrecognized configuration parameter \"wrok_mem\" in file \"/d/postgresql.conf\" line 9")
    }

    /// PostgreSQL says neither file nor line of a value that it can't read.
    @Test func aValueIsNamedWithFileAndLine() throws {
        let data = "/tmp/devdb-reading-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: data) }
        try "jit = off\nwork_mem = zzz\n".write(toFile: data + "/postgresql.conf", atomically: false, encoding: .utf8)
        let log = """
            2026-01-01 LOG:  invalid value for parameter "work_mem": "zzz"
            2026-01-01 FATAL:  configuration file "\(data)/postgresql.conf" contains errors
            """
        let place = ServerLogReading.Place(data: data, user: "postgres")
        let error = ServerLogReading.failure(in: log, name: "a", exit: "exit code 1", place: place).error
        #expect(error.cause == "invalid value for parameter \"work_mem\": \"zzz\" (\(data)/postgresql.conf:2)")
        #expect(error.help == "Correct or remove that line; the next connection tries again, or run dev start a")
    }

    @Test func whatIsWrongWithAFileIsSaid() {
        let log = """
            2026-01-01 LOG:  Bonjour is not supported by this build
            2026-01-01 FATAL:  configuration file "/d/postgresql.conf" contains errors
            """
        let cause = ServerLogReading.failure(in: log, name: "a", exit: "exit code 1").error.cause
        #expect(cause == "Bonjour is not supported by this build; configuration file \"/d/postgresql.conf\" contains errors")
    }

    @Test func aSettingOfOursIsTakenAwayByACommand() {
        let log = "2026-01-01 LOG:  unrecognized configuration parameter \"nope\" in file \"/d/devdb.conf\" line 9"
        let own = ServerLogReading.failure(in: log, name: "a", exit: "exit code 1", sources: ["Nope": nil])
        #expect(own.error.help == "Run dev config unset settings.Nope -n a, or set it to what can be; the next connection tries again")
        #expect(own.error.cause == "unrecognized configuration parameter \"nope\" (settings.Nope of dev config)")
        let unnamed = "2026-01-01 FATAL:  could not load server certificate file \"server.crt\": No such file or directory"
        let ssl = ServerLogReading.failure(in: unnamed, name: "a", exit: "exit code 1", sources: ["ssl": nil])
        #expect(ssl.error.help?.hasPrefix("Run dev config unset settings.ssl -n a, ") == true)
        let project = ServerLogReading.failure(in: log, name: "a", exit: "exit code 1", sources: ["nope": "/p/dev.toml"])
        #expect(project.error.help == "Correct /p/dev.toml and run dev up a")
        #expect(project.error.cause == "unrecognized configuration parameter \"nope\" ([settings] nope in /p/dev.toml)")
    }

    @Test func aFullDiskHasItsCode() {
        let log = "2026 FATAL:  could not write lock file \"postmaster.pid\": No space left on device"
        #expect(ServerLogReading.failure(in: log, name: "a", exit: "").error.code == .diskFull)
    }

    @Test func aCrashMayBeTriedAgain() {
        let failure = ServerLogReading.failure(in: "", name: "a", exit: "killed by signal 9")
        #expect(!failure.permanent)
        #expect(failure.error.cause == "killed by signal 9")
    }
}
