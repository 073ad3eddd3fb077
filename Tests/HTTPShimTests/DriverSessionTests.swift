import Basics
import HTTPWire
import Loop
import PostgresSession
import Testing

@testable import HTTPShim

/// A driver's session without a database: who may speak, in what order, for how long.
@Suite(.timeLimit(.minutes(1))) struct DriverSessionTests {
    /// Gives what it was made with, then the end, or silence until the session is tired of it.
    private final class Channel: ByteChannel {
        private var input: [[UInt8]]
        private let staysOpen: Bool
        private let loop: Loop
        var output: [UInt8] = []
        var isFinished = false

        init(_ loop: Loop, _ input: [[UInt8]], staysOpen: Bool) { (self.loop, self.input, self.staysOpen) = (loop, input, staysOpen) }

        func receive(into buffer: inout [UInt8]) async throws(DevError) -> Int {
            await loop.turn()
            if !input.isEmpty {
                let piece = input.removeFirst()
                buffer += piece
                return piece.count
            }
            // A client that was told to go, goes.
            guard staysOpen, !isFinished else { return 0 }
            do { try await loop.clock.sleep(for: .seconds(60)) } catch { throw DevError(.cancelled, "cancelled", object: "test") }
            return 0
        }

        func send(_ bytes: [UInt8]) async throws(DevError) { output += bytes }
        func finish() { isFinished = true }

        var events: [WebSocketReader.Event] {
            var reader = WebSocketReader(limit: 100_000, expectsMask: false)
            var position = 0
            var events: [WebSocketReader.Event] = []
            while true {
                let event = reader.next(output, &position)
                if event == .needMore { return events }
                events.append(event)
                if case .close = event { return events }
            }
        }
    }

    private static func text(_ text: String) -> [UInt8] { WebSocketFrame.encoded(.text, text.utf8, mask: [1, 2, 3, 4]) }
    private static let credentials = text("{\"username\":\"a\",\"password\":\"b\"}")
    private static let urn = text("urn:prisma:query:descriptor")

    /// What the client of a session is sent.
    /// - Parameter connected: the session of the server; without it connecting fails.
    private func talk(
        _ input: [[UInt8]], staysOpen: Bool = true, limits: DriverSession.Limits = DriverSession.Limits(),
        refusing: WebSocketClose? = nil, cancelling: Bool = false
    ) async throws -> [WebSocketReader.Event] {
        try await LoopThread.run { loop in
            let channel = Channel(loop, input, staysOpen: staysOpen)
            var left = 0
            let session = DriverSession(loop: loop, channel: channel, limits: limits) { access in
                if let refusing { return .refused(refusing) }
                #expect(access.user == "a")
                return .granted(
                    connect: { () async throws(PostgresError) in throw PostgresError(sqlState: "57P03", message: "starting") },
                    left: { left += 1 })
            }
            let task = loop.task { await session.run() }
            if cancelling { task.cancel() }
            await task.value
            #expect(left == (refusing == nil && input.first?.starts(with: Self.credentials) == true && !cancelling ? 1 : 0))
            return channel.events
        }
    }

    private func close(_ code: UInt16, _ reason: String) -> [WebSocketReader.Event] { [.close(WebSocketClose(code, reason))] }

    @Test func nobodySpeaksWithoutCredentials() async throws {
        let refused = WebSocketClose(1008, "authentication failed")
        #expect(try await talk([Self.credentials, Self.urn], refusing: refused) == [.close(refused)])
        for first in [Self.text("{}"), Self.text("x"), Self.urn, WebSocketFrame.encoded(.binary, [1], mask: [0, 0, 0, 0])] {
            #expect(try await talk([first]) == [.close(refused)])
        }
        var limits = DriverSession.Limits()
        limits.patience = .milliseconds(20)
        #expect(try await talk([], limits: limits) == close(1008, "no credentials came in time"))
        // Pings don't count.
        let ping = WebSocketFrame.encoded(.ping, "p".utf8, mask: [9, 9, 9, 9])
        #expect(try await talk([ping], limits: limits) == [.pong] + close(1008, "no credentials came in time"))
    }

    @Test func framesComeInTheirOrder() async throws {
        let descriptor = Self.text("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":3}]}")
        let value = Self.text("urn:prisma:query:param:text")
        for (frames, code) in [
            ([Self.text("urn:prisma:query:param:text")], 1002), ([Self.urn, Self.text("{}")], 1002), ([Self.urn, Self.text("x")], 1002),
            ([Self.urn, WebSocketFrame.encoded(.binary, "{\"query\":\"x\"}".utf8, mask: [0, 0, 0, 0])], 1002),
            ([Self.urn, descriptor, Self.urn], 1002), ([Self.urn, descriptor, value, Self.text("four")], 1002),
            ([Self.urn, descriptor, Self.text("urn:prisma:query:param:binary")], 1002), ([[0x81, 0x00]], 1002),
            ([Self.urn, Self.text("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":99999999999}]}")], 1009),
        ] {
            let events = try await talk([Self.credentials] + frames)
            guard case .close(let close?)? = events.last, events.count == 1 else {
                Issue.record("\(events)")
                continue
            }
            #expect(close.code == code, "\(close)")
        }
    }

    @Test func eachStatementHasItsAnswerAlsoWhenTheServerCannotBeHad() async throws {
        let statement = [Self.urn, Self.text("{\"exec\":\"x\"}")]
        var limits = DriverSession.Limits()
        limits.idle = .milliseconds(50)
        let error = "{\"error\":{\"severity\":\"ERROR\",\"code\":\"57P03\",\"message\":\"starting\"}}"
        let answer: [WebSocketReader.Event] = [.text(Array("urn:prisma:query:result:error".utf8)), .text(Array(error.utf8))]
        let events = try await talk([Self.credentials] + statement + statement, limits: limits)
        #expect(events == answer + answer + close(1001, "no statement for 0 minutes"))
        // More than may wait is read when there is room.
        limits.waiting = 1
        let many = try await talk([Self.credentials + (0..<20).flatMap { _ in statement.flatMap { $0 } }], limits: limits)
        #expect(many.count == 41)
    }

    @Test func itEndsAsItsClientOrTheDaemonDoes() async throws {
        let bye = WebSocketClose(1000, "Normal closure")
        #expect(try await talk([Self.credentials, WebSocketFrame.encoded(bye, mask: [5, 6, 7, 8])]) == [.close(bye)])
        #expect(try await talk([Self.credentials], staysOpen: false) == [])
        #expect(try await talk([Self.credentials], cancelling: true) == close(1001, "the daemon is leaving"))
    }
}
