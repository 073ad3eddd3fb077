import Basics
import Foundation
import Loop
import Testing

@Suite(.timeLimit(.minutes(2))) struct TeardownTests {
    /// Everything that a loop can have under way, when it is told to stop.
    private static func use(_ loop: Loop, _ folder: String) async throws -> Int32 {
        let (descriptor, port) = try Listener.tcp(address: "127.0.0.1", port: 0)
        let listener = try Listener(loop: loop, descriptor: descriptor) { caller in
            loop.task {
                guard let socket = try? Socket(loop: loop, descriptor: caller) else { return }
                var buffer: [UInt8] = []
                while let count = try? await socket.read(into: &buffer, max: 100), count > 0 {}
            }
        }
        for _ in 0..<3 {
            let client = try await Socket.tcp(loop: loop, address: "127.0.0.1", port: port)
            let descriptor = client.release()
            loop.task {
                guard let client = try? Socket(loop: loop, descriptor: descriptor) else { return }
                try? await client.write([UInt8](repeating: 1, count: 5 << 20))
                var buffer: [UInt8] = []
                _ = try? await client.read(into: &buffer, max: 1)
            }
        }
        let child = try ChildProcess.spawn(
            loop: loop, ChildSpecification(executable: "/bin/sleep", arguments: ["100"], environment: [:]))
        let (pid, out) = (child.pid, AsyncStream.makeStream(of: Void.self).continuation)
        let watch = try ExitWatch(loop: loop, pid: pid) { out.finish() }
        let changes = try FolderWatch(loop: loop, path: folder) { _ in out.finish() }
        let signal = try SignalHandle(loop: loop, signal: SIGUSR1) { out.finish() }
        let timer = TimerHandle(loop: loop)
        timer.start(after: .seconds(100)) { out.finish() }
        loop.task { try? await loop.clock.sleep(for: .seconds(100)) }
        loop.task { while (try? await loop.clock.sleep(for: .milliseconds(1))) != nil {} }
        // Some milliseconds of work, which the end waits for.
        loop.task { try? await loop.blocking { _ = (0..<50_000).map { $0.hashValue }.sorted() } }
        loop.task { _ = await child.exit(within: .seconds(100)) }
        await loop.turn()
        // Alive until here; dropped in use from here on.
        withExtendedLifetime((listener, watch, changes, signal, timer)) {}
        return pid
    }

    /// In a process of its own, so that no other test's descriptors are counted.
    @Test func fiftyLoopsInUseEndWithoutATrace() async {
        await #expect(processExitsWith: .success) {
            func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count }
            try await withFolder { folder in
                var before = 0
                for round in 0..<51 {
                    // The first round opens what libuv opens once for the whole process.
                    if round == 1 { before = try descriptors() }
                    let pid = try await LoopThread.run { loop in try await TeardownTests.use(loop, folder) }
                    #expect(kill(pid, SIGKILL) == 0)
                    #expect(waitpid(pid, nil, 0) == pid)
                }
                #expect(try descriptors() == before)
            }
        }
    }

    @Test func aLoopThatNeverRanGoesToo() throws {
        for _ in 0..<50 { _ = try Loop() }
    }
}
