import Basics
import Foundation
import Loop
import Testing

@testable import InstanceManager

/// Programs that are asked something, and the user whom servers run as.
@Suite struct ProgramTests {
    /// A program on a disk that does not answer must not hold up who asks.
    @Test(.timeLimit(.minutes(1))) func aProgramThatHangsIsEnded() async throws {
        try await LoopThread.run { loop in
            let result = try await Command.run(
                loop: loop, "/bin/sh", ["-c", "sleep 1000 & wait"], environment: ["PATH": "/usr/bin:/bin"], within: .milliseconds(100))
            #expect(result.status == .signal(SIGKILL))
            let quick = try await Command.run(loop: loop, "/bin/echo", ["a"], environment: [:], within: .seconds(50))
            #expect(quick.succeeded && quick.output == "a\n")
        }
    }

    @Test func theFolderThatAUserMayNotEnterIsFound() throws {
        let root = "/tmp/devdb-reach-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        try FileManager.default.createDirectory(atPath: root + "/closed/home", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        for path in [root, root + "/closed", root + "/closed/home"] { chmod(path, 0o755) }
        let stranger = ServersUser(name: "stranger", uid: 54_321, gid: 54_321)
        #expect(stranger.closedFolder(on: root + "/closed/home") == nil)
        #expect(stranger.closedFolder(on: root + "/closed/home/none/yet") == nil)
        chmod(root + "/closed", 0o750)
        #expect(stranger.closedFolder(on: root + "/closed/home") == root + "/closed")
        #expect(ServersUser(name: "ours", uid: geteuid(), gid: getegid()).closedFolder(on: root + "/closed/home") == nil)
    }
}
