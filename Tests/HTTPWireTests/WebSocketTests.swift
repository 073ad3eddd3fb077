import Testing
import WireTestSupport

@testable import HTTPWire

@Suite struct WebSocketTests {
    private static let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    /// One masked frame.
    private func frame(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        WebSocketFrame.encoded(opcode, payload, isFinal: isFinal, mask: Self.mask)
    }

    private func events(_ bytes: [UInt8], limit: Int = 1000) throws -> [WebSocketReader.Event] {
        try decodedEveryWay(bytes) { WebSocketCodec(limit: limit) }
    }

    // MARK: RFC 6455 §5.7

    @Test func theExamplesOfTheRFC() throws {
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(frame(.text, Array("Hello".utf8)) == masked)
        #expect(try events(masked) == [.text(Array("Hello".utf8))])
        #expect(WebSocketFrame.encoded(.text, "Hello".utf8) == [0x81, 0x05] + "Hello".utf8)
        #expect(WebSocketFrame.encoded(.text, "Hel".utf8, isFinal: false) == [0x01, 0x03] + "Hel".utf8)
        #expect(WebSocketFrame.encoded(.binary, [UInt8](repeating: 1, count: 256)).prefix(4) == [0x82, 0x7E, 0x01, 0x00])
        #expect(
            WebSocketFrame.encoded(.binary, [UInt8](repeating: 1, count: 65_536)).prefix(10) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
    func everyLengthReadsBack(_ count: Int) throws {
        let payload = (0..<count).map { UInt8($0 & 0x7F) }
        #expect(try events(frame(.text, payload) + frame(.binary, payload), limit: 70_000) == [.text(payload), .binary(payload)])
        var reader = WebSocketReader(limit: 70_000, expectsMask: false)
        var position = 0
        #expect(reader.next(WebSocketFrame.encoded(.binary, payload), &position) == .binary(payload))
    }

    @Test func fragmentsAreOneMessageAndControlFramesMayComeBetween() throws {
        let bytes =
            frame(.text, [0xE2], isFinal: false) + frame(.ping, Array("here".utf8)) + frame(.continuation, [], isFinal: false)
            + frame(.continuation, [0x82], isFinal: false) + frame(.pong, []) + frame(.continuation, [0xAC]) + frame(.binary, [0xFF])
        #expect(try events(bytes) == [.ping(Array("here".utf8)), .pong, .text(Array("€".utf8)), .binary([0xFF])])
    }

    struct Violation: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var code: UInt16
        init(_ name: String, _ bytes: [UInt8], _ code: UInt16 = 1002) { (testDescription, self.bytes, self.code) = (name, bytes, code) }
    }

    private static let violations: [Violation] = {
        func frame(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
            WebSocketFrame.encoded(opcode, payload, isFinal: isFinal, mask: mask)
        }
        func close(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] { frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason) }
        return [
            Violation("not masked", WebSocketFrame.encoded(.text, [])), Violation("RSV1", [0xC1, 0x80] + mask),
            Violation("unknown opcode", [0x83, 0x80] + mask), Violation("unknown control opcode", [0x8B, 0x80] + mask),
            Violation("fragmented ping", frame(.ping, [], isFinal: false)),
            Violation("long ping", [0x89, 0xFE, 0, 126] + mask), Violation("continuation of nothing", frame(.continuation, [1])),
            Violation("two messages mixed", frame(.text, [65], isFinal: false) + frame(.text, [66])),
            Violation("length 125 in two bytes", [0x82, 0xFE, 0, 125] + mask),
            Violation("length 65535 in eight bytes", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + mask),
            Violation("negative length", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0] + mask),
            Violation("bad UTF-8", frame(.text, [0xC3, 0x28]), 1007), Violation("torn UTF-8", frame(.text, [0xE2, 0x82]), 1007),
            Violation("surrogate", frame(.text, [0xED, 0xA0, 0x80]), 1007),
            Violation("too large", [0x82, 0xFE, 0x03, 0xE9] + mask, 1009),
            Violation(
                "too large in fragments",
                frame(.binary, [UInt8](repeating: 0, count: 900), isFinal: false) + frame(.continuation, [UInt8](repeating: 0, count: 101)),
                1009),
            Violation("huge", [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] + mask, 1009),
            Violation("half a code", frame(.close, [3])), Violation("code 1005", close(1005)), Violation("code 1006", close(1006)),
            Violation("code 999", close(999)), Violation("code 5000", close(5000)), Violation("bad reason", close(1000, [0xFF]), 1007),
        ]
    }()

    @Test(arguments: violations)
    func violationsEndIt(_ violation: Violation) throws {
        let events = try events(violation.bytes + frame(.text, [65]))
        guard case .failed(let close)? = events.last, events.count == 1 else {
            Issue.record("\(events)")
            return
        }
        #expect(close.code == violation.code)
    }

    @Test func nothingIsReadBehindAClose() throws {
        let close = WebSocketClose(1000, "Normal closure")
        #expect(try events(WebSocketFrame.encoded(close, mask: Self.mask) + frame(.text, [65])) == [.close(close)])
        #expect(try events(frame(.close, [])) == [.close(nil)])
        // A reason that would not fit is cut between characters.
        let long = WebSocketFrame.encoded(WebSocketClose(1008, String(repeating: "é", count: 100)))
        #expect(long.count == 2 + 2 + 122)
    }

    // MARK: Handshake

    private func head(_ fields: [String], _ line: String = "GET /v0/session HTTP/1.1") throws -> RequestHead {
        var parser = RequestParser()
        var position = 0
        guard case .head(let head) = parser.next(Array(([line, "Host: x"] + fields + ["", ""]).joined(separator: "\r\n").utf8), &position)
        else { throw HTTPRefusal(400, "no head") }
        return head
    }

    private static let fields = [
        "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: other, chat-1.0", "Sec-WebSocket-Extensions: permessage-deflate",
    ]

    /// RFC 6455 §1.3.
    @Test func theHandshakeIsAnswered() throws {
        guard case .accepted(let bytes) = WebSocketHandshake.answer(try head(Self.fields), subprotocol: "chat-1.0") else {
            Issue.record("refused")
            return
        }
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                HTTP/1.1 101 Switching Protocols\r
                upgrade: websocket\r
                connection: Upgrade\r
                sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                sec-websocket-protocol: chat-1.0\r
                \r

                """)
    }

    @Test(arguments: [
        (0, "Connection: close", 426), (1, "Upgrade: h2c", 426), (2, "Sec-WebSocket-Version: 8", 426), (3, "Sec-WebSocket-Key: short", 400),
        (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", 400), (4, "Sec-WebSocket-Protocol: chat-1.0x", 400), (4, "X: y", 400),
        (5, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 400), (5, "Content-Length: 1", 426),
    ])
    func whatIsNoneIsRefused(index: Int, field: String, status: Int) throws {
        var fields = Self.fields
        fields[index] = field
        guard case .refused(let response) = WebSocketHandshake.answer(try head(fields), subprotocol: "chat-1.0") else {
            Issue.record("accepted")
            return
        }
        #expect(response.status == status)
        if index == 2 { #expect(response.headers["sec-websocket-version"] == "13") }
    }

    /// FIPS 180-4's examples, and the lengths around a block.
    @Test func sha1() {
        func hex(_ text: String) -> String {
            SHA1.hash(Array(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(hex(String(repeating: "a", count: 55)) == "c1c8bbdc22796e28c0e15163d20899b65621d65a")
        #expect(hex(String(repeating: "a", count: 64)) == "0098ba824b5c16427bd7a1122a5a442a25ec644d")
    }
}
