import Basics
import Foundation
import Loop
import Testing

@Suite(.timeLimit(.minutes(1))) struct WatchTests {
    /// A process that is no child of this one. - Returns: its pid.
    private static func startOrphan(_ loop: Loop, _ folder: String) async throws -> Int32 {
        let file = open(folder + "/pid", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0o600)
        defer { close(file) }
        let parent = try ChildProcess.spawn(
            loop: loop,
            ChildSpecification(
                executable: "/bin/sh", arguments: ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"],
                environment: ["PATH": "/usr/bin:/bin"], output: file))
        _ = await parent.exit()
        let text = try String(contentsOfFile: folder + "/pid", encoding: .utf8)
        return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test func theEndOfAProcessThatIsNoChildIsSeen() async throws {
        try await withFolder { folder in
            try await LoopThread.run { loop in
                let pid = try await WatchTests.startOrphan(loop, folder)
                let (ends, out) = AsyncStream.makeStream(of: Void.self)
                let record = Record()
                let watches = try (0..<3).map { _ in
                    try ExitWatch(loop: loop, pid: pid) {
                        record.add("end")
                        out.yield()
                    }
                }
                let dropped = try ExitWatch(loop: loop, pid: pid) { record.add("dropped") }
                dropped.close()
                await loop.turn()
                #expect(record.lines.isEmpty)
                #expect(kill(pid, SIGKILL) == 0)
                var iterator = ends.makeAsyncIterator()
                for _ in watches { await iterator.next(isolation: nil) }
                await loop.turn()
                #expect(record.lines == ["end", "end", "end"])
                for watch in watches { watch.close() }
            }
        }
    }

    @Test func aProcessThatHasGoneIsSeenToo() async throws {
        try await LoopThread.run { loop in
            let child = try ChildProcess.spawn(
                loop: loop, ChildSpecification(executable: "/bin/sh", arguments: ["-c", "exit 0"], environment: [:]))
            _ = await child.exit()
            let (ends, out) = AsyncStream.makeStream(of: Void.self)
            let record = Record()
            let watch = try ExitWatch(loop: loop, pid: child.pid) {
                record.add("end")
                out.finish()
            }
            #expect(record.lines.isEmpty, "never inside init")
            for await _ in ends {}
            watch.close()
            #expect(throws: DevError.self) { try ExitWatch(loop: loop, pid: 0) {} }
            #expect(throws: DevError.self) { try ExitWatch(loop: loop, pid: -5) {} }
        }
    }

    @Test func changesInAFolderAreSeen() async throws {
        try await withFolder { folder in
            try await LoopThread.run { loop in
                let (names, out) = AsyncStream.makeStream(of: String?.self)
                let watch = try FolderWatch(loop: loop, path: folder) { _ = out.yield($0) }
                #expect(FileManager.default.createFile(atPath: folder + "/postmaster.pid", contents: Data("ready".utf8)))
                for await name in names where name == nil || name == "postmaster.pid" { break }
                watch.close()
                watch.close()
                #expect { try FolderWatch(loop: loop, path: folder + "/none") { _ in } } throws: {
                    ($0 as? DevError)?.object == folder + "/none"
                }
            }
        }
    }

    @Test func signalsArrive() async throws {
        try await LoopThread.run { loop in
            let (signals, out) = AsyncStream.makeStream(of: Void.self)
            let handle = try SignalHandle(loop: loop, signal: SIGUSR2) { out.finish() }
            kill(getpid(), SIGUSR2)
            for await _ in signals {}
            handle.close()
            #expect(throws: DevError.self) { try SignalHandle(loop: loop, signal: SIGKILL) {} }
        }
    }
}
