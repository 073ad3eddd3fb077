import Foundation
import Synchronization
import TestSupport
import Testing

/// A daemon that is replaced on purpose.
@Suite struct RestartTests {
    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Its listening sockets go to the next one: who connects in between waits a moment.
    @Test func nobodyIsRefused() async throws {
        try await withFault { fixture in
            let made = try await fixture.made("shop")
            let url = made.url
            let ended = Flag()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        var count = 0
                        while !ended.isSet.load(ordering: .relaxed), !Task.isCancelled {
                            let answer = try await fixture.psql(url, "SELECT 1")
                            #expect(answer == "1")
                            count += 1
                        }
                        return count
                    }
                }
                var pids: Set<Int32> = []
                for _ in 0..<5 {
                    try await fixture.done("daemon", "restart")
                    if let pid = fixture.daemonPid { pids.insert(pid) }
                }
                ended.isSet.store(true, ordering: .relaxed)
                #expect(pids.count == 5)
                for try await count in group { #expect(count > 0) }
            }
            // Also who wakes a server.
            try await fixture.done("stop", "shop", "--yes")
            async let restarted = fixture.done("daemon", "restart")
            #expect(try await fixture.psql(made.url, "SELECT 1") == "1")
            _ = try await restarted
            let log = wholeText(fixture.home + "/devd.log")
            #expect(log.contains("handed over listeners=6") && !log.contains("not handed over"), "\(log)")
            let left = try FileManager.default.contentsOfDirectory(atPath: fixture.home + "/run").filter { $0.hasPrefix("next-") }
            #expect(left.isEmpty)
        }
    }

    /// From its beginning on nothing depends on the command.
    @Test func killingTheCommandLeavesADaemon() async throws {
        try await withFault { fixture in
            let made = try await fixture.made("shop")
            for _ in 0..<3 {
                let before = try #require(fixture.daemonPid)
                let command = try Conversation(
                    fixture.devProgram, ["daemon", "restart"], environment: fixture.environment, onTerminal: false)
                // The old one leaves: the command is in the middle of it.
                try await onOwnThread { try Wait.end(of: before) }
                kill(command.pid, SIGKILL)
                _ = try await command.end()
                try await onOwnThread {
                    try Wait.files("another daemon serves", in: [fixture.home + "/run"]) {
                        fixture.daemonPid.map { $0 != before } == true
                            && FileManager.default.fileExists(atPath: fixture.home + "/run/devd.sock")
                    }
                }
                #expect(try await fixture.done("daemon", "status").contains("pid \(fixture.daemonPid ?? 0)"))
                #expect(try await fixture.psql(made.url, "SELECT 1") == "1")
            }
        }
    }

    /// A port whose instance has gone is not held open by the sockets of the daemon before.
    @Test func whatNobodyWantsIsClosed() async throws {
        try await withFault { fixture in
            let ports = try [FreePort.find(), FreePort.find()]
            try await fixture.up("shop", ports: ["--db-port", "\(ports[0])", "--shadow-db-port", "\(ports[1])"])
            try await fixture.done("daemon", "restart")
            try await fixture.done("rm", "shop", "--force", "--yes")
            #expect(ports.allSatisfy(FreePort.isFree))
        }
    }
}
