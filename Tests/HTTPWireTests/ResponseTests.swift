import HTTPWire
import Testing
import WireTestSupport

@Suite struct ResponseTests {
    struct NotARequest: Error {
        var step: RequestReader.Step
    }

    func head(_ method: String, version: String = "1.1", _ fields: String = "") throws -> RequestHead {
        var reader = RequestReader()
        var position = 0
        let step = reader.next(Array("\(method) / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n".utf8), &position)
        guard case .request(let request) = step else { throw NotARequest(step: step) }
        return request.head
    }

    func read(_ bytes: [UInt8], _ method: String = "GET") throws -> [ResponseReader.Step] {
        try decodedEveryWay(bytes) { ResponseCodec(method: method) }
    }

    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func whole() throws {
        let response = HTTPResponse(status: 200, headers: ["content-type": "text/plain"], body: Array("hi".utf8))
        let bytes = response.encoded(for: try head("GET"))
        #expect(text(bytes) == "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi")
        guard case .response(let read, keepsAlive: true) = try read(bytes + bytes).last else {
            Issue.record("not read")
            return
        }
        #expect(read.body == response.body)
        #expect(text(response.encoded(for: try head("HEAD"))).hasSuffix("content-length: 2\r\n\r\n"))
        #expect(text(HTTPResponse(status: 204).encoded(for: try head("GET"))) == "HTTP/1.1 204 No Content\r\n\r\n")
        #expect(text(response.encoded(for: try head("GET", version: "1.0"))).contains("connection: close\r\n"))
        #expect(
            text(response.encoded(for: try head("GET", version: "1.0", "Connection: keep-alive\r\n"))).contains("connection: keep-alive"))
        #expect(text(response.encoded(for: nil)).contains("connection: close"))
    }

    @Test func streamed() throws {
        let stream = ResponseStream(status: 200, for: try head("GET"))
        #expect(stream.keepsAlive)
        let bytes = stream.head + stream.chunk(Array("one".utf8)) + stream.chunk([]) + stream.chunk(Array("two".utf8)) + stream.end()
        guard case .response(let response, keepsAlive: true) = try read(bytes).first else {
            Issue.record("not read")
            return
        }
        #expect(text(response.body) == "onetwo")
        let old = ResponseStream(status: 200, for: try head("GET", version: "1.0", "Connection: keep-alive\r\n"))
        #expect(!old.keepsAlive)
        #expect(text(old.head + old.chunk([0x61]) + old.end()).hasSuffix("\r\n\r\na"))
        let headOnly = ResponseStream(status: 200, for: try head("HEAD"))
        #expect(headOnly.chunk([1]) == [] && headOnly.end() == [])
    }

    @Test func interimAndUntilClose() throws {
        var reader = ResponseReader(method: "GET")
        var position = 0
        let bytes = Array("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\n\r\nuntil close".utf8)
        #expect(reader.next(bytes, &position) == .needMore)
        guard case .response(let response, keepsAlive: false) = reader.connectionEnded() else {
            Issue.record("not read")
            return
        }
        #expect(text(response.body) == "until close")
    }

    @Test func tornIsToldFromWhole() throws {
        for torn in [
            "", "HTTP/1.1 200 OK\r\nA: b", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        ] {
            var reader = ResponseReader(method: "GET")
            var position = 0
            #expect(reader.next(Array(torn.utf8), &position) == .needMore)
            guard case .refused = reader.connectionEnded() else {
                Issue.record("taken for whole: \(torn)")
                continue
            }
        }
    }

    @Test(arguments: [
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 999 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\n\n",
    ])
    func malformed(_ text: String) throws {
        guard case .refused = try read(Array(text.utf8)).last else {
            Issue.record("taken")
            return
        }
    }

    @Test func noBodyWhereThereIsNone() throws {
        let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".utf8)
        #expect(try read(bytes, "HEAD").count == 2)
    }

    @Test func requestsThatWeSend() throws {
        let request = OutgoingRequest(
            method: "POST", target: "/v1/" + PercentCoding.encode("a b/ä"), host: "localhost", body: Array("{}".utf8))
        #expect(
            text(try #require(request.encoded())) == "POST /v1/a%20b%2F%C3%A4 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}")
        for target in ["", "/a b", "/\r\nX: y", "/#"] {
            #expect(OutgoingRequest(method: "GET", target: target, host: "a").encoded() == nil)
        }
        #expect(OutgoingRequest(method: "G T", target: "/", host: "a").encoded() == nil)
    }

    @Test func percentCoding() {
        #expect(PercentCoding.decode("a%2Fb%C3%A4+") == "a/bä+")
        for bad in ["%", "%2", "%zz", "%FF", "%00"] { #expect(PercentCoding.decode(bad) == nil) }
        #expect(PercentCoding.decode(PercentCoding.encode("päß/? #\n")) == "päß/? #\n")
    }
}
