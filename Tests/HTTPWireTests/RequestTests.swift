import HTTPWire
import Testing
import WireTestSupport

@Suite struct RequestTests {
    func read(_ text: String, _ limits: HTTPLimits = HTTPLimits()) throws -> [RequestReader.Step] {
        try decodedEveryWay(Array(text.utf8)) { RequestCodec(limits: limits) }
    }

    func request(_ text: String) throws -> HTTPRequest? {
        let steps = try read(text)
        guard steps.count == 1, case .request(let request) = steps[0] else { return nil }
        return request
    }

    func status(_ text: String, _ limits: HTTPLimits = HTTPLimits()) throws -> Int? {
        guard case .refused(let refusal) = try read(text, limits).last else { return nil }
        return refusal.status
    }

    @Test func plain() throws {
        let request = try #require(try request("GET /a/b%20c?x=1&y=%C3%A4+z&w HTTP/1.1\r\nHost: localhost:51213\r\nX-A:  b c\t\r\n\r\n"))
        #expect(request.head.method == "GET")
        #expect(request.head.path == "/a/b%20c")
        #expect(request.head.pathSegments == ["a", "b c"])
        #expect(request.head.query == "x=1&y=%C3%A4+z&w")
        #expect(request.head.queryItems?.map(\.name) == ["x", "y", "w"])
        #expect(request.head.queryItems?.map(\.value) == ["1", "ä z", ""])
        #expect(request.head.authority == "localhost:51213")
        #expect(request.head.headers["x-a"] == "b c")
        #expect(request.head.keepsAlive)
        #expect(request.body == [])
    }

    @Test func bodies() throws {
        #expect(try request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")?.body == Array("hello".utf8))
        #expect(try request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")?.body == [])
        let chunked =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + "5;a=b\r\nhello\r\n00A\r\n, world!!!\r\n0\r\nX-Sum: 1\r\n\r\n"
        #expect(try request(chunked)?.body == Array("hello, world!!!".utf8))
    }

    @Test func pipelined() throws {
        let text =
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
            + "\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
        let targets = try read(text).map { step in
            guard case .request(let request) = step else { return "" }
            return "\(request.head.target) \(String(decoding: request.body, as: UTF8.self))"
        }
        #expect(targets == ["/1 ab", "/2 x", "/3 "])
    }

    @Test func keepAlive() throws {
        #expect(try request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n")?.head.keepsAlive == false)
        #expect(try request("GET / HTTP/1.0\r\n\r\n")?.head.keepsAlive == false)
        #expect(try request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")?.head.keepsAlive == true)
        #expect(try request("GET / HTTP/1.7\r\nHost: a\r\n\r\n")?.head.minorVersion == 1)
    }

    @Test func targets() throws {
        let absolute = try #require(try request("GET HTTP://evil:1/p?q HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        #expect(absolute.head.authority == "evil:1")
        #expect(absolute.head.path == "/p")
        #expect(absolute.head.query == "q")
        #expect(try request("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n")?.head.path == "/")
        #expect(try request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")?.head.path == "*")
        let wrongEscape = try #require(try request("GET /%zz?%2 HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(wrongEscape.head.pathSegments == nil)
        #expect(wrongEscape.head.queryItems == nil)
    }

    static let bad: [(Int, String)] = [
        // Request line.
        (400, "GET /\r\n\r\n"), (400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), (400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        (400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"), (400, "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"), (400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"), (400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"), (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        (501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), (400, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "\u{16}\u{3}\u{1}"), (400, " GET / HTTP/1.1\r\n"),
        // Line ends.
        (400, "GET / HTTP/1.1\nHost: a\n\n"), (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        // Fields.
        (400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\r\nx\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\r\nx(y): x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\r\nx: \u{7F}\r\n\r\n"),
        // Host.
        (400, "GET / HTTP/1.1\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), (400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        // Lengths.
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"),
        (400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n"),
    ]

    @Test(arguments: bad) func refused(_ expected: Int, _ text: String) throws {
        #expect(try status(text) == expected)
    }

    @Test func valuesThatAreNotUTF8() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0xFF] + Array("\r\n\r\n".utf8)
        #expect(try decodedEveryWay(bytes) { RequestCodec() }.count == 1)
        let good = try request("GET / HTTP/1.1\r\nHost: a\r\nX: ä\r\n\r\n")
        #expect(good?.head.headers["x"] == "ä")
    }

    @Test(arguments: [
        (400, "\r\n"), (400, "g\r\n"), (400, " 1\r\nx\r\n"), (400, "-1\r\n"), (400, "0x1\r\nx\r\n"), (400, "1 \r\nx\r\n"),
        (400, "1\nx\r\n"),
        (400, "1\r\nxy\r\n"), (400, "1\r\nx\n"), (400, "1;\u{1}\r\nx\r\n"), (400, "1;a\rb\r\n"), (413, "FFFFFFFFFFFFFFF\r\n"),
        (400, "FFFFFFFFFFFFFFFFF\r\n"), (400, "10000000000000000\r\n"), (400, "0\r\nbad trailer\r\n\r\n"), (400, "0\r\n x: y\r\n\r\n"),
        (400, "0\r\nx: y\n\r\n"), (400, "1;" + String(repeating: "a", count: 1100) + "\r\n"),
        (431, "0\r\n" + String(repeating: "x: y\r\n", count: 101)),
    ])
    func chunksRefused(_ expected: Int, _ body: String) throws {
        #expect(try status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)") == expected)
    }

    @Test func mostlyFramingIsRefused() throws {
        let chunk = "1;" + String(repeating: "e", count: 90) + "\r\nx\r\n"
        let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 1200)
        #expect(try status(text) == 400)
        let fair = "400\r\n" + String(repeating: "x", count: 1024) + "\r\n"
        let good = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: fair, count: 200) + "0\r\n\r\n"
        #expect(try request(good)?.body.count == 200 * 1024)
    }

    @Test func limits() throws {
        var limits = HTTPLimits()
        limits.requestLine = 30
        limits.field = 40
        limits.fieldCount = 3
        limits.head = 120
        limits.body = 10
        func line(_ count: Int) -> String { "GET /" + String(repeating: "a", count: count - 14) + " HTTP/1.1\r\nHost: a\r\n\r\n" }
        #expect(try status(line(30), limits) == nil)
        #expect(try status(line(31), limits) == 414)
        #expect(try status(String(repeating: "a", count: 31), limits) == 414)
        func field(_ count: Int) -> String { "GET / HTTP/1.1\r\nHost: a\r\nx: " + String(repeating: "a", count: count - 3) + "\r\n\r\n" }
        #expect(try status(field(40), limits) == nil)
        #expect(try status(field(41), limits) == 431)
        #expect(try status("GET / HTTP/1.1\r\nHost: a\r\na: b\r\na: b\r\n\r\n", limits) == nil)
        #expect(try status("GET / HTTP/1.1\r\nHost: a\r\na: b\r\na: b\r\na: b\r\n\r\n", limits) == 431)
        let fields = String(repeating: "a: " + String(repeating: "b", count: 36) + "\r\n", count: 3)
        #expect(try status("GET / HTTP/1.1\r\n" + fields, limits) == 431)
        let post = "POST / HTTP/1.1\r\nHost: a\r\n"
        #expect(try status(post + "Content-Length: 10\r\n\r\n0123456789", limits) == nil)
        #expect(try status(post + "Content-Length: 11\r\n\r\n", limits) == 413)
        #expect(try status(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n", limits) == 413)
    }

    @Test func continueIsAskedForOnce() {
        var reader = RequestReader()
        var position = 0
        var buffer = Array("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n".utf8)
        #expect(reader.isIdle([], 0))
        #expect(reader.next(buffer, &position) == .sendContinue)
        #expect(reader.next(buffer, &position) == .needMore)
        #expect(!reader.isIdle(buffer, position))
        buffer += Array("ab".utf8)
        guard case .request(let request) = reader.next(buffer, &position) else {
            Issue.record("no request")
            return
        }
        #expect(request.body == Array("ab".utf8))
        #expect(reader.isIdle(buffer, position))
        // Together with its body, nobody waits.
        var other = RequestReader()
        position = 0
        guard case .request = other.next(buffer, &position) else {
            Issue.record("no request")
            return
        }
    }
}
