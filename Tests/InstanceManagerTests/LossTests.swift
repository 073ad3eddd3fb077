import Basics
import Foundation
import Registry
import TestSupport
import Testing

@testable import InstanceManager

/// Servers that live and are of no use, because somebody removed what belongs to them.
@Suite struct LossTests {
    @Test func anAdoptedServerWithoutItsSocketIsStartedAnew() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "CREATE TABLE kept AS SELECT 1 AS x")
            let pid = try #require(try await fixture.status(made.id).pid)
            await fixture.manager.shutdown(stopServers: false)
            try FileManager.default.removeItem(atPath: fixture.layout.sockets)
            let next = try await fixture.nextDaemon()
            #expect(try await next.query(made.id, "SELECT x FROM kept") == "1")
            #expect(try await next.status(made.id).pid != pid)
            // In order: nothing had to be recovered.
            let log = try String(contentsOfFile: fixture.layout.serverLog(made.id), encoding: .utf8)
            #expect(!log.contains("not properly shut down"), "\(log)")
            // The child is this process's; nobody else waits for it.
            await next.manager.shutdown(stopServers: true)
            waitpid(pid, nil, WNOHANG)
        }
    }

    @Test func aServerWhoseSocketIsRemovedIsStartedAnew() async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "CREATE TABLE kept AS SELECT 1 AS x")
            let pid = try #require(try await fixture.status(made.id).pid)
            try FileManager.default.removeItem(atPath: fixture.layout.sockets)
            try await fixture.wait(for: made.id) { $0.state == .running && $0.pid != pid }
            #expect(try await fixture.query(made.id, "SELECT x FROM kept") == "1")
        }
    }

    @Test(arguments: [true, false]) func aDataDirectoryThatIsGoneIsNoticed(renamed: Bool) async throws {
        try await ManagerFixture.run { fixture in
            let made = try await fixture.manager.create(NewInstance(name: .default))
            try await fixture.query(made.id, "CREATE TABLE kept AS SELECT 1 AS x")
            let data = fixture.layout.dataDirectory(made.id)
            let aside = data + "-aside"
            if renamed {
                try FileManager.default.moveItem(atPath: data, toPath: aside)
            } else {
                try FileManager.default.removeItem(atPath: data)
            }
            try await fixture.wait(for: made.id) { $0.state == .broken }
            let status = try await fixture.status(made.id)
            #expect(status.pid == nil && status.reason?.contains("The data directory of default is missing") == true, "\(status)")
            guard renamed else { return }
            try FileManager.default.moveItem(atPath: aside, toPath: data)
            #expect(try await fixture.query(made.id, "SELECT x FROM kept") == "1")
        }
    }
}
