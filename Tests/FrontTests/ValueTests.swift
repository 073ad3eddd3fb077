import Basics
import Foundation
import HandoffImage
import InstanceManager
import Loop
import PostgresWire
import Registry
import Testing

@testable import Front

/// The front's decisions, without sockets.
@Suite struct ValueTests {
    private func record(_ change: (inout InstanceRecord) -> Void = { _ in }) -> InstanceRecord {
        var record = InstanceRecord(
            id: "01234567", name: .default, pgVersion: "15", pgBin: "", password: Secret("x"),
            verifier: Secret("md5" + String(repeating: "0", count: 32)), roles: ["anna"], verifierFresh: true, createdAt: 0)
        change(&record)
        return record
    }

    @Test(arguments: [
        ("template1", PortRecord.Kind.main, "app", false), ("postgres", .main, "postgres", false), ("app", .main, "app", false),
        ("template1", .shadow, "template1", true), ("postgres", .shadow, "postgres", true), ("app", .shadow, "app", true),
        ("other", .shadow, "other", false),
    ])
    func routes(_ asked: String, _ kind: PortRecord.Kind, _ got: String, _ isShadow: Bool) {
        var packet = StartupPacket(user: "postgres", database: WireText(asked), [.init("pool_timeout", "0")])
        #expect(Route.apply(&packet, port: kind, mainDatabase: "app") == isShadow)
        #expect(packet.database == WireText(got))
        #expect(packet["pool_timeout"] == nil)
    }

    @Test func asleepTheFrontJudgesAwakeTheServer() {
        let owner = StartupPacket(user: "postgres")
        let asleep = LoginFacts(record: record(), state: .stopped)
        #expect(LoginPolicy(owner, asleep) != .server)
        #expect(LoginPolicy(StartupPacket(user: "anna"), asleep) == .server)
        #expect(LoginPolicy(StartupPacket(user: "eve"), asleep) == .front(nil))
        #expect(LoginPolicy(StartupPacket(user: "postgres", minorVersion: 2), asleep) != .server)
        let newer = LoginFacts(record: record { $0.pgVersion = "99.1" }, state: .stopped)
        #expect(LoginPolicy(StartupPacket(user: "postgres", minorVersion: 2), newer) == .server)
        #expect(LoginPolicy(owner, newer) != .server)
        #expect(LoginPolicy(owner, LoginFacts(record: record { $0.verifier = nil }, state: .stopped)) == .front(nil))
        #expect(LoginPolicy(owner, LoginFacts(record: record { $0.verifierFresh = false }, state: .stopped)) == .server)
        // An expiry counts at the time of the login.
        let brief = LoginFacts(record: record { $0.verifierExpires = 100 }, state: .stopped)
        #expect(LoginPolicy(owner, brief, now: 99) == LoginPolicy(owner, asleep))
        #expect(LoginPolicy(owner, brief, now: 100) == .front(nil))
        for state in InstanceState.allCases where state != .stopped {
            #expect(LoginPolicy(owner, LoginFacts(record: record(), state: state)) == .server)
        }
    }

    @Test func theMessageIsAsTheLibraryReadsIt() {
        #expect(HandoffMessage.encode([1, 2]) == Array("devdbHO1".utf8) + [0, 0, 0, 2, 1, 2])
        #expect(HandoffMessage.peerName(trusted: true, address: "::1", port: 7, random: 255) == "devdb/t/::1/7/ff")
        #expect(HandoffMessage.peerName(trusted: false, address: "127.0.0.1", port: 65_535, random: .max).utf8.count <= 107)
    }

    @Test(.timeLimit(.minutes(1))) func deadlinesExpireInOrderAndCanBeBegunAnew() async throws {
        let order = try await LoopThread.run { loop in
            let box = Box(Expired())
            let deadlines = Deadlines(loop: loop, patience: .milliseconds(500)) { box.value.add($0) }
            for number in 1...3 { deadlines.begin(number) }
            deadlines.end(2)
            // Later by the clock, and long before the first is due.
            try await loop.clock.sleep(for: .milliseconds(2))
            deadlines.begin(1)
            // In order, so this is the second.
            await box.value.expiry(of: 1)
            deadlines.close()
            return box.value.numbers
        }
        #expect(order == [3, 1])
    }

    private final class Expired {
        private(set) var numbers: [Int] = []
        private let (all, added) = AsyncStream.makeStream(of: Int.self)

        func add(_ number: Int) {
            numbers.append(number)
            added.yield(number)
        }

        func expiry(of number: Int) async { for await next in all where next == number { return } }
    }
}
