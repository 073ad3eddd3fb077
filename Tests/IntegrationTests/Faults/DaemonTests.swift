import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The daemon itself: two at once, its registry damaged, its descriptors used up, its clock moved.
@Suite struct DaemonTests {
    @Test func twoUpsAtOnceMakeOneInstance() async throws {
        try await withFault { fixture in
            let words = ["up", "shop", "--db-port", "0", "--shadow-db-port", "0", "--json"]
            let answers = try await withThrowingTaskGroup(of: CommandResult.self) { group in
                for _ in 0..<6 { group.addTask { try await fixture.dev(words) } }
                return try await group.reduce(into: [CommandResult]()) { $0.append($1) }
            }
            let all = try answers.map { try Made($0) }
            #expect(all.filter { $0.facts["created"] as? Bool == true }.count == 1)
            #expect(Set(all.map(\.url)).count == 1 && Set(all.map(\.pid)).count == 1)
            #expect(fixture.postmasters.count == 1)
            // A child of the daemon looks like it until it has become another program.
            try await onOwnThread {
                try Wait.polling("there is one daemon") {
                    DaemonFixture.processes(of: fixture.home).filter { !fixture.serverProcesses().contains($0) }.count == 1
                }
            }
            try await fixture.answersWithinASecond(try #require(all.first))
            try await fixture.expectNothingHalfMade()
        }
    }

    @Test func aSecondDaemonIsRefused() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let daemon = try #require(fixture.daemonPid)
            for _ in 0..<3 {
                let second = try await Command.run(fixture.devdProgram, [], environment: fixture.environment)
                #expect(
                    second.status == 4 && second.errors.contains("error[home-in-use]") && second.errors.contains("pid \(daemon)"),
                    "\(second.errors)")
            }
            #expect(fixture.daemonPid == daemon)
            try await fixture.answersWithinASecond(made)
        }
    }

    /// Damage is told, with what helps; nothing is deleted; what helps, helps.
    @Test(arguments: ["overwritten", "cut", "missing", "no database"]) func aDamagedRegistry(how: String) async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let other = try await fixture.made("other")
            try await fixture.done("daemon", "stop")
            let path = fixture.home + "/registry.sqlite"
            let old = try Data(contentsOf: URL(filePath: path))
            let damaged: Data? =
                switch how {
                case "overwritten": Data(old.enumerated().map { $0.offset % 4096 > 200 || $0.offset < 4096 ? $0.element : 0xA5 })
                case "cut": old.prefix(old.count / 2)
                case "no database": Data("this is my shopping list, not a database\n".utf8)
                default: nil
                }
            // The log of writes has whole pages, so that a database with it is not damaged: it goes too.
            for end in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) }
            if let damaged { try damaged.write(to: URL(filePath: path)) } else { try FileManager.default.removeItem(atPath: path) }
            let before = fixture.names("instances").sorted()

            var help = ""
            for words in [["ls"], ["up", "shop"], ["up", "third"]] {
                let refused = try Refusal(await fixture.dev(words + ["--json"]), words)
                #expect(
                    refused.code == "corrupt-state" && refused.status == 4 && refused.object == path, "\(refused.code): \(refused.text)")
                help = refused.help
            }
            #expect(fixture.names("instances").sorted() == before)
            #expect(FileManager.default.contents(atPath: path) == damaged, "the file was touched")
            // The servers go on meanwhile.
            #expect([made.pid, other.pid].allSatisfy { $0.map(isAlive) == true })

            // "…: commands"; of two ways the first.
            let commands = try #require(help.range(of: ": ")).upperBound
            let first = help[commands...].components(separatedBy: ". Or begin anew")[0]
            let mended = try await Command.run("/bin/sh", ["-c", first])
            #expect(mended.status == 0 && mended.errors == "", "\(first): \(mended.errors)")
            let again = try Made(await fixture.dev("up", "shop", "--json"))
            #expect(again.url == made.url && again.pid == made.pid)
            #expect(try await fixture.rows(again) == DaemonFixture.whole())
            #expect(try await fixture.list().count == 2)
        }
    }

    /// The hard limit is low, so it can't be raised: clients over it are told so in PostgreSQL's words, and the daemon
    /// still answers its own people.
    @Test func theDescriptorLimitIsReached() async throws {
        try await withFault { fixture in
            let limited = try await Command.run(
                "/bin/sh", ["-c", "ulimit -n 256; exec \"$@\"", "sh", fixture.devProgram, "daemon", "start"],
                environment: fixture.environment)
            #expect(limited.status == 0, "\(limited.errors)")
            let made = try await fixture.filled()
            let steady = try Client.start(made.url, named: "steady")
            steady.send("BEGIN; INSERT INTO kept SELECT 1001;\n")
            try await fixture.sees(made, client: "steady", state: "idle in transaction")

            let crowd = try RawClient.crowd(400, port: made.port)
            // The system shows nobody who has not said anything.
            for client in crowd { client.send([0, 0, 0]) }
            // Those that are let in wait; the rest are sent away, but for a few that got the place of somebody who left.
            let turnedAway = try await onOwnThread { crowd.suffix(50).compactMap { try? $0.untilClosed(seconds: 2) } }
            #expect(turnedAway.count >= 40)
            #expect(turnedAway.allSatisfy { $0.isEmpty || $0.contains("53300") }, "\(turnedAway.filter { !$0.isEmpty })")
            #expect(turnedAway.contains { $0.contains("53300") })
            let refused = try await Command.run("psql", ["-XqAt", "-d", made.url, "-c", "SELECT 1"])
            // It may have got the place of somebody who left.
            #expect(refused.status == 0 || refused.errors.contains("too many clients"), "\(refused.errors)")
            #expect(try await fixture.list().count == 1)

            for client in crowd { client.close() }
            try await fixture.answersWithinASecond(made)
            steady.send("COMMIT;\n")
            let said = try await steady.end()
            #expect(said.status == 0, "\(said)")
            #expect(try await fixture.rows(made) == DaemonFixture.whole(1001))
        }
    }

    @Test func theClockIsMoved() async throws {
        #if os(Linux)
            let clock = try await MovedClock.make()
            defer { clock.remove() }
            try await withFault(environment: clock.environment) { fixture in
                let made = try await fixture.filled("shop", rows: 1000, "--idle", "2m")
                _ = try await fixture.made("old")
                try await fixture.done("stop", "old", "--yes")
                try await fixture.done("rm", "old", "--yes")
                let steady = try Client.start(made.url, named: "steady")
                steady.send("BEGIN; INSERT INTO kept SELECT 1001;\n")
                try await fixture.sees(made, client: "steady", state: "idle in transaction")

                let day = 86_400
                for seconds in [day, -3650 * day, 3650 * day] {
                    try clock.move(by: seconds)
                    try await fixture.answersWithinASecond(made)
                    #expect(try Made(await fixture.dev("up", "shop", "--json")).pid == made.pid)
                    // The next daemon knows the server, whatever the time.
                    try await fixture.killDaemon()
                    try clock.move(by: seconds / 2)
                    #expect(try Made(await fixture.dev("up", "shop", "--json")).pid == made.pid)
                    try await fixture.answersWithinASecond(made)
                    guard seconds <= day else { continue }
                    // Within 7 days, and with a clock that was set back, what was removed is there.
                    try await fixture.done("undo", "rm", "old")
                    try await fixture.done("rm", "old", "--yes")
                }
                // Ten years later it is not, and that is said.
                let gone = try await fixture.refusal("undo", "rm", "old")
                #expect(gone.code == "not-found" && gone.object == "old" && gone.help.contains("7 days"), "\(gone.text)")
                #expect(fixture.names("trash").isEmpty)
                steady.send("COMMIT;\n")
                let said = try await steady.end()
                #expect(said.status == 0, "\(said)")
                #expect(try await fixture.rows(made) == DaemonFixture.whole(1001))
            }
        #else
            print("*** SKIPPED: a moved clock: needs LD_PRELOAD")
        #endif
    }
}

/// A library that shows the daemon another wall clock; the monotonic one stays.
struct MovedClock {
    private let folder: String
    private var offset: String { folder + "/offset" }
    var environment: [String: String] { ["LD_PRELOAD": folder + "/clock.so", "DEVDB_TEST_CLOCK": offset] }

    static func make() async throws -> MovedClock {
        let clock = MovedClock(folder: "/tmp/devdb-it-clock-\(String(UInt32.random(in: .min ... .max), radix: 16))")
        try FileManager.default.createDirectory(atPath: clock.folder, withIntermediateDirectories: true)
        try clock.move(by: 0)
        let source = """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <sys/time.h>
            #include <time.h>
            #include <unistd.h>
            static long moved(void) {
                char text[32] = {0};
                const char *path = getenv("DEVDB_TEST_CLOCK");
                int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
                if (file < 0) return 0;
                ssize_t count = read(file, text, sizeof text - 1);
                close(file);
                return count > 0 ? atol(text) : 0;
            }
            int clock_gettime(clockid_t id, struct timespec *now) {
                long status = syscall(SYS_clock_gettime, id, now);
                if (status == 0 && id == CLOCK_REALTIME) now->tv_sec += moved();
                return (int)status;
            }
            time_t time(time_t *result) {
                struct timespec now;
                clock_gettime(CLOCK_REALTIME, &now);
                if (result) *result = now.tv_sec;
                return now.tv_sec;
            }
            int gettimeofday(struct timeval *restrict result, void *restrict zone) {
                struct timespec now;
                (void)zone;
                clock_gettime(CLOCK_REALTIME, &now);
                result->tv_sec = now.tv_sec;
                result->tv_usec = now.tv_nsec / 1000;
                return 0;
            }
            """
        let result = try await Command.run(
            "cc", ["-shared", "-fPIC", "-x", "c", "-o", clock.folder + "/clock.so", "-"], input: source)
        guard result.status == 0 else { throw TestFailure("cc: \(result.errors)") }
        return clock
    }

    /// From the true time.
    func move(by seconds: Int) throws { try Data("\(seconds)\n".utf8).write(to: URL(filePath: offset), options: .atomic) }
    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
