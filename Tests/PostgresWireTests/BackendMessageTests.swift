import PostgresWire
import Testing
import WireTestSupport

@Suite struct BackendMessageTests {
    static let all: [BackendMessage] = [
        .authentication(.ok), .authentication(.cleartextPassword), .authentication(.md5Password(salt: [1, 2, 3, 4])),
        .authentication(.sasl(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])), .authentication(.saslContinue([1])),
        .authentication(.saslFinal([])), .authentication(.other(7, [9])), .parameterStatus(name: "TimeZone", value: "UTC"),
        .backendKeyData(pid: 4711, key: [1, 2, 3, 4]), .backendKeyData(pid: -1, key: Array(repeating: 7, count: 256)),
        .readyForQuery(.idle), .readyForQuery(.failed), .negotiateProtocolVersion(newest: 0x30000, unknownOptions: ["_pq_.a", "_pq_.b"]),
        .error(.wrongPassword(user: "ada")), .notice(ServerMessage(severity: "NOTICE", code: "00000", "hi", detail: "d", hint: "h")),
        .other(0x44, [0, 0]),
    ]

    @Test func bothWays() throws {
        let bytes = Self.all.flatMap { $0.encoded() }
        #expect(try decodedEveryWay(bytes, BackendCodec.init) == Self.all.map { .message($0) })
    }

    @Test(arguments: [
        Array("R\0\0\0\u{5}\0".utf8),  // no whole number
        Array("R\0\0\0\u{9}\0\0\0\0x".utf8),  // Ok with something behind it
        Array("Z\0\0\0\u{5}x".utf8),  // no such status
        Array("S\0\0\0\u{6}ab".utf8),  // no terminator
        Array("E\0\0\0\u{7}Sx\0".utf8),  // fields do not end
        Array("E\0\0\0\u{8}Sx\0\0".utf8) + [1],  // read as whole, then garbage is the next message
        Array("Z\0\0\0\u{3}".utf8), Array("Z".utf8) + [0xFF, 0xFF, 0xFF, 0xFF], Array("Z".utf8) + [0x7F, 0xFF, 0xFF, 0xFF],
        Array("v\0\0\0\u{C}\0\u{3}\0\0".utf8) + [0xFF, 0xFF, 0xFF, 0xFF],
    ])
    func malformed(_ bytes: [UInt8]) throws {
        let outputs = try decodedEveryWay(bytes, BackendCodec.init)
        if outputs.count == 1, case .message(.error) = outputs[0] { return }
        guard case .bad = outputs.last else {
            Issue.record("taken: \(outputs)")
            return
        }
    }

    @Test func errorFields() {
        let message = ServerMessage(code: "57P03", "no", detail: "because", hint: "wait")
        #expect(message.severity == "FATAL")
        #expect(message.code == "57P03")
        #expect(message.detail == "because")
        #expect(message.hint == "wait")
        #expect("\(message)" == "FATAL 57P03: no")
        // A zero byte in a text must not become the start of other fields.
        let evil = ServerMessage(code: "28P01", WireText(Array("a\0Hx".utf8)))
        guard case .message(.error(let read), _) = BackendMessage.read(evil.encoded()) else {
            Issue.record("not read")
            return
        }
        #expect(read.message == "a")
        #expect(read.hint == nil)
    }

    @Test func framesAreBounded() {
        let frame = MessageFrame(type: 0x70, body: 6..<7)
        #expect(MessageFrame.read([0x70, 0, 0, 4, 1], limit: 1024) == .badLength)
        #expect(MessageFrame.read([0x70, 0, 0, 4, 0], limit: 1024) == .needMore)
        #expect(MessageFrame.read([0x70, 0, 0, 0, 3], limit: 1024) == .badLength)
        #expect(MessageFrame.read([9, 0x70, 0, 0, 0, 5, 8], from: 1, limit: 5) == .message(frame))
        #expect(MessageFrame.read([0x70], from: 7, limit: 5) == .needMore)
    }
}
