import Basics
import HTTPWire
import Testing

@testable import DevServer

@Suite struct RouterTests {
    /// Requests as their bytes, through the real parser.
    static func request(_ text: String) throws -> HTTPRequest {
        var reader = RequestReader()
        var position = 0
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        guard case .request(let request) = reader.next(bytes, &position) else {
            throw DevError(.usage, "no request", object: text)
        }
        return request
    }

    private func answer(_ text: String) async throws -> HTTPResponse {
        let router = PublicSite.router(name: try InstanceName("shop"))
        guard case .whole(let response) = await router.answer(try Self.request(text)) else {
            throw DevError(.usage, "a stream", object: text)
        }
        return response
    }

    @Test(arguments: ["localhost", "localhost:51213", "127.0.0.1:1", "[::1]:65535", "LocalHost:5"])
    func healthNamesTheInstance(host: String) async throws {
        let response = try await answer("GET /health HTTP/1.1\nHost: \(host)\n\n")
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == "{\"name\":\"shop\"}")
        #expect(response.headers["content-type"] == "application/json")
    }

    @Test(arguments: ["GET /", "GET /Health", "POST /health", "OPTIONS /health", "GET /health/", "DELETE /x"])
    func everythingElseIsNotFound(line: String) async throws {
        let response = try await answer("\(line) HTTP/1.1\nHost: localhost\n\n")
        #expect(response.status == 404)
        #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
        #expect(String(decoding: response.body, as: UTF8.self) == "404 Not Found")
    }

    @Test(arguments: [
        "Host: evil.example", "Host: localhost.evil.example", "Host: localhost:80:80", "Host: 127.0.0.1.nip.io", "Host: localhost:",
        "Host: localhost\nOrigin: https://evil.example", "Host: localhost\nOrigin: null", "Host: localhost\nOrigin: http://localhost.evil",
        "Host: localhost\nOrigin: file://localhost",
    ])
    func refusesWhatAForeignPageCanSend(fields: String) async throws {
        #expect(try await answer("GET /health HTTP/1.1\n\(fields)\n\n").status == 403)
    }

    @Test func refusesAForeignAbsoluteTarget() async throws {
        #expect(try await answer("GET http://evil.example/health HTTP/1.1\nHost: localhost\n\n").status == 403)
        #expect(try await answer("GET http://localhost/health HTTP/1.1\nHost: localhost\n\n").status == 200)
    }

    @Test(arguments: ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:1"])
    func localPagesMayAsk(origin: String) async throws {
        #expect(try await answer("GET /health HTTP/1.1\nHost: localhost\nOrigin: \(origin)\n\n").status == 200)
    }
}
