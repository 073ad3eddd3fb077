import Foundation
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A daemon that holds its sockets and does nothing.
@Suite struct StoppedDaemonTests {
    @Test func commandsSayWhatTheyWaitForAndEnd() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let daemon = try #require(fixture.daemonPid)
            kill(daemon, SIGSTOP)
            let results = try await withThrowingTaskGroup(of: CommandResult.self) { group in
                for words in [["ls"], ["daemon", "stop"], ["url", "shop"]] { group.addTask { try await fixture.dev(words) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for result in results {
                #expect(result.status == 5 && result.errors.contains("does not answer; waiting"), "\(result)")
                #expect(result.errors.contains("kill -CONT \(daemon)"), "\(result)")
            }
            // What it says to do helps.
            kill(daemon, SIGKILL)
            try await onOwnThread { try Wait.end(of: daemon) }
            #expect(try Made(await fixture.dev("up", "shop", "--json")).pid == made.pid)
        }
    }

    /// Its sockets and its servers' were removed under it.
    @Test func theSocketsAreMadeAgain() async throws {
        try await withFault { fixture in
            let made = try await fixture.filled()
            let daemon = try #require(fixture.daemonPid)
            // Renamed first: what is made again meanwhile would be in the way of its removal.
            let aside = fixture.home + "/run-removed"
            try FileManager.default.moveItem(atPath: fixture.home + "/run", toPath: aside)
            try FileManager.default.removeItem(atPath: aside)
            #expect(try await fixture.list().count == 1)
            #expect(fixture.daemonPid == daemon)
            let server = try #require(made.pid)
            try await onOwnThread { try Wait.end(of: server) }
            try await fixture.answersWithinASecond(made, "SELECT count(*) || ' ' || sum(x) FROM kept", expecting: DaemonFixture.whole())
            try await fixture.expectNothingHalfMade()
        }
    }
}
