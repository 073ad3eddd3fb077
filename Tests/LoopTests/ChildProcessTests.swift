import Basics
import Foundation
import Loop
import Testing

/// Several tasks wait for one child through its owner.
private actor Owner {
    private let loop: Loop
    private let child: ChildProcess
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ loop: Loop, _ specification: ChildSpecification) throws {
        self.loop = loop
        child = try ChildProcess.spawn(loop: loop, specification)
    }

    var status: ChildProcess.Status? { child.status }
    func exit() async -> ChildProcess.Status { await child.exit() }
    func exit(within limit: Duration) async -> ChildProcess.Status? { await child.exit(within: limit) }
    func signal(_ number: Int32) -> Bool { child.signal(number) }
}

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
    private static func shell(_ script: String, output: Int32 = -1) -> ChildSpecification {
        ChildSpecification(executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"], output: output)
    }

    /// Runs to the end. - Returns: what it wrote to stdout and stderr.
    private static func output(_ specification: ChildSpecification) async throws -> String {
        try await withFolder { folder in
            let file = open(folder + "/out", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0o600)
            defer { close(file) }
            try await LoopThread.run { loop in
                var specification = specification
                specification.output = file
                let child = try ChildProcess.spawn(loop: loop, specification)
                _ = await child.exit()
            }
            return try String(contentsOfFile: folder + "/out", encoding: .utf8)
        }
    }

    @Test func anyNumberMayWaitBeforeAndAfterTheEnd() async throws {
        try await LoopThread.run { loop in
            let owner = try Owner(loop, ChildProcessTests.shell("exit 3"))
            #expect(await owner.status == nil)
            async let first = owner.exit()
            async let second = owner.exit()
            async let third = owner.exit(within: .seconds(50))
            let (one, two, three) = await (first, second, third)
            #expect(one == .code(3) && two == .code(3) && three == .code(3))
            #expect(await owner.exit() == .code(3))
            #expect(await owner.exit(within: .zero) == .code(3))
            #expect(await !owner.signal(SIGTERM))
            // Cancellation ends a wait with a limit.
            let sleeper = try Owner(loop, ChildProcessTests.shell("exec sleep 100"))
            let wait = loop.task { await sleeper.exit(within: .seconds(1000)) }
            await loop.turn()
            wait.cancel()
            #expect(await wait.value == nil)
            #expect(await sleeper.signal(SIGKILL))
            #expect(await sleeper.exit() == .signal(SIGKILL))
        }
    }

    @Test func aWaitMayHaveALimit() async throws {
        try await LoopThread.run { loop in
            let child = try ChildProcess.spawn(loop: loop, ChildProcessTests.shell("exec sleep 100"))
            #expect(await child.exit(within: .milliseconds(5)) == nil)
            let clock = ContinuousClock()
            let begin = clock.now
            child.signal(SIGTERM)
            #expect(await child.exit(within: .seconds(50)) == .signal(SIGTERM))
            #expect(clock.now - begin < .seconds(20))
        }
    }

    @Test func aChildGetsExactlyWhatItIsGiven() async throws {
        var specification = ChildSpecification(executable: "/usr/bin/env", arguments: [], environment: ["A": "1", "B": "x=y z"])
        #expect(Set(try await ChildProcessTests.output(specification).split(separator: "\n")) == ["A=1", "B=x=y z"])

        // Inheritable on purpose; the child must not have it.
        let stray = dup(0)
        defer { close(stray) }
        specification = ChildProcessTests.shell(
            """
            for n in $(seq 3 \(stray + 10)); do [ -e /proc/$$/fd/$n ] && echo leaked $n; done
            pwd -P; grep Sig[IB] /proc/self/status; ps -o sid= -p $$; echo $$
            """)
        specification.workingDirectory = "/usr"
        #if os(Linux)
            let lines = try await ChildProcessTests.output(specification).split(separator: "\n").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(lines.first == "/usr", "\(lines)")
            // libuv resets the 31 classic signals.
            let masks = lines.filter { $0.hasPrefix("Sig") }.map { UInt64($0.suffix(16), radix: 16) ?? .max }
            #expect(masks.count == 2 && masks.allSatisfy { $0 & 0x7fff_ffff == 0 }, "\(lines)")
            #expect(lines.count >= 2 && lines[lines.count - 2] == lines[lines.count - 1], "\(lines)")
        #endif
    }

    @Test(.enabled(if: getuid() == 0, "another user needs root"))
    func aChildRunsAsTheUserAskedFor() async throws {
        var specification = ChildProcessTests.shell("id -u; id -g; id -G")
        specification.user = (65534, 65534)
        #expect(try await ChildProcessTests.output(specification) == "65534\n65534\n65534\n")
    }

    @Test func whatCannotBeStartedIsAnError() async throws {
        try await LoopThread.run { loop in
            for executable in ["/nonexistent/program", "/etc"] {
                do throws(DevError) {
                    _ = try ChildProcess.spawn(
                        loop: loop, ChildSpecification(executable: executable, arguments: [], environment: [:]))
                    Issue.record("started \(executable)")
                } catch {
                    #expect(error.code == .system)
                    #expect(error.object == executable)
                }
            }
            let child = try ChildProcess.spawn(loop: loop, ChildProcessTests.shell("exit 0"))
            #expect(await child.exit() == .code(0))
        }
    }

    @Test func aDroppedChildIsReaped() async throws {
        try await LoopThread.run { loop in
            let pid = try ChildProcess.spawn(loop: loop, ChildProcessTests.shell("exit 0")).pid
            let (gone, out) = AsyncStream.makeStream(of: Void.self)
            let watch = try ExitWatch(loop: loop, pid: pid) { out.finish() }
            for await _ in gone {}
            watch.close()
            // The watch may have come before the reaping.
            while kill(pid, 0) == 0 { await loop.turn() }
            #expect(errno == ESRCH)
        }
    }

    @Test func aChildSurvivesItsLoop() async throws {
        let pid = try await LoopThread.run { loop in
            try ChildProcess.spawn(loop: loop, ChildProcessTests.shell("exec sleep 1000")).pid
        }
        #expect(kill(pid, 0) == 0)
        #expect(getsid(pid) == pid)
        #expect(waitpid(pid, nil, WNOHANG) == 0, "it must still run")
        kill(pid, SIGKILL)
        #expect(waitpid(pid, nil, 0) == pid)
    }
}
