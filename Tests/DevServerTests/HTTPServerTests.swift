import Basics
import Foundation
import HTTPShim
import HTTPWire
import Loop
import TestSupport
import Testing

@testable import DevServer

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Over real sockets. The client is a plain blocking one on a thread of its own.
@Suite struct HTTPServerTests {
    private func router() -> Router {
        var router = PublicSite.router(name: .default)
        router.gate = { _ in nil }
        router.on("POST", "/echo") { request in .whole(HTTPResponse(status: 200, headers: [:], body: request.body)) }
        router.on("POST", "/stream") { _ in
            .stream(headers: Headers(["content-type": "text/plain"]), endsWithClient: false) { stream in
                for word in ["one", "two", "three"] { try? await stream.send(Array(word.utf8)) }
            }
        }
        return router
    }

    /// Sends the pieces to a server's new connection, closes the sending side if told, and gives all that comes back.
    private func exchange(_ pieces: [String], closing: Bool = true, change: @Sendable (inout HTTPServer.Limits) -> Void = { _ in })
        async throws
        -> String
    {
        var limits = HTTPServer.Limits(body: 1000)
        change(&limits)
        return try await LoopThread.run { [router = router(), limits] loop in
            let server = HTTPServer(loop: loop, router: router, limits: limits, log: .none)
            let ends = try Self.pair()
            await server.accept(ends.server)
            let answer = try await onOwnThread {
                let client = ends.client
                defer { close(client) }
                for piece in pieces { Self.write(client, piece) }
                if closing { shutdown(client, Int32(SHUT_WR)) }
                return Self.readAll(client)
            }
            await server.close(within: .seconds(5))
            #expect(await server.connectionCount == 0)
            return answer
        }
    }

    @Test func answersAndCloses() async throws {
        let answer = try await exchange(["GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("{\"name\":\"default\"}"))
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let one = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
        let answer = try await exchange([one + "a" + one + "b" + "GET /no HTTP/1.1\r\nHost: x\r\n\r\n" + one + "c"])
        let bodies = answer.components(separatedBy: "\r\n\r\n")
        #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
        #expect(bodies.dropFirst().map { String($0.prefix(1)) } == ["a", "b", "4", "c"])
    }

    @Test func bytesMayComeOneByOne() async throws {
        let request = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        #expect(try await exchange(request.map(String.init)).hasSuffix("\r\n\r\nabc"))
    }

    @Test func streamsAreChunkedAndTheConnectionGoesOn() async throws {
        let answer = try await exchange([
            "POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        ])
        #expect(answer.contains("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200 OK"))
    }

    /// Named, so that a megabyte of request doesn't go into the test run's output.
    struct Refused: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var request: String
        var status: String
        init(_ name: String, _ request: String, _ status: String) {
            testDescription = name
            self.request = request
            self.status = status
        }
    }

    @Test(arguments: [
        Refused("no Host", "GET / HTTP/1.1\r\n\r\n", "400"), Refused("version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
        Refused("NULs", "\u{0}\u{0}\r\n\r\n", "400"),
        Refused("body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413"),
        Refused("two lengths", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        Refused("negative length", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
        Refused("line", "GET /\(String(repeating: "x", count: 20_000)) HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
        Refused("fields", "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "x", count: 70_000))\r\n\r\n", "431"),
    ])
    func refusesAndCloses(_ refused: Refused) async throws {
        let answer = try await exchange([refused.request + "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"])
        #expect(answer.hasPrefix("HTTP/1.1 \(refused.status) "))
        #expect(!answer.contains("default"))
    }

    /// Their bodies are not copied behind their heads.
    @Test func largeAnswersAreWhole() async throws {
        let body = String(repeating: "0123456789abcdef", count: HTTPResponse.large / 16)
        let post = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let answer = try await exchange([post, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"]) { $0.http.body = 200_000 }
        #expect(answer.contains("\r\n\r\n\(body)HTTP/1.1 200 OK\r\n") && answer.hasSuffix("{\"name\":\"default\"}"))
    }

    @Test func slowAndSilentClientsAreSentAway() async throws {
        let slow = try await exchange(["GET /health HT"], closing: false) { $0.requestTime = .milliseconds(50) }
        let silent = try await exchange([], closing: false) { $0.idleTime = .milliseconds(50) }
        let kept = try await exchange(["GET /health HTTP/1.1\r\nHost: x\r\n\r\n"], closing: false) { $0.idleTime = .milliseconds(50) }
        #expect(slow.hasPrefix("HTTP/1.1 408 ") && silent.isEmpty && kept.hasSuffix("}"))
        let body = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"
        let stuck = try await exchange([body], closing: false) { $0.requestTime = .milliseconds(50) }
        #expect(stuck.hasPrefix("HTTP/1.1 408 ") && stuck.hasSuffix("The request did not arrive in time\n"))
        let endless = try await exchange([body], closing: false) { $0.bodyTime = .milliseconds(50) }
        #expect(endless.hasPrefix("HTTP/1.1 408 "))
    }

    /// A deadline that passes while the loop is held up must not end who has spoken in time.
    @Test(arguments: [["GET /health HTTP/1.1\r\nHost: x\r\n\r\n"], ["GET /health HT", "TP/1.1\r\nHost: x\r\n\r\n"]])
    func whatCameInTimeIsRead(_ pieces: [String]) async throws {
        try await LoopThread.run { [router = router()] loop in
            var limits = HTTPServer.Limits(body: 1000)
            (limits.idleTime, limits.requestTime) = (.milliseconds(100), .milliseconds(100))
            let server = HTTPServer(loop: loop, router: router, limits: limits, log: .none)
            let ends = try Self.pair()
            defer { close(ends.client) }
            await server.accept(ends.server)
            for (number, piece) in pieces.enumerated() {
                // The server reads all before the last piece, and waits.
                for _ in 0..<10 { await loop.turn() }
                let end = loop.clock.now.advanced(by: .milliseconds(number == pieces.count - 1 ? 300 : 0))
                Self.write(ends.client, piece)
                while loop.clock.now < end {}
            }
            shutdown(ends.client, Int32(SHUT_WR))
            let client = ends.client
            #expect(try await onOwnThread { Self.readAll(client) }.hasPrefix("HTTP/1.1 200 "))
            await server.close(within: .seconds(5))
        }
    }

    /// Who comes when there is no place waits in the queue and is served.
    @Test func connectionsBeyondTheLimitWait() async throws {
        try await LoopThread.run { [router = router()] loop in
            var limits = HTTPServer.Limits(body: 1000)
            limits.connections = 2
            let server = HTTPServer(loop: loop, router: router, limits: limits, log: .none)
            let bound = try Listener.tcp(address: "127.0.0.1", port: 0)
            try await server.listen(bound.descriptor)
            let port = bound.port
            let answers = try await onOwnThread {
                let clients = try (0..<5).map { _ in try Self.connect(port) }
                // All of them are there before the first speaks.
                for client in clients { Self.write(client, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }
                return clients.map { client in
                    defer { close(client) }
                    return Self.readAll(client)
                }
            }
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") }, "\(answers)")
            await server.close(within: .seconds(5))
        }
    }

    @Test func tooManyConnectionsAreClosed() async throws {
        try await LoopThread.run { [router = router()] loop in
            var limits = HTTPServer.Limits(body: 1000)
            limits.connections = 2
            let server = HTTPServer(loop: loop, router: router, limits: limits, log: .none)
            let all = try (0..<3).map { _ in try Self.pair() }
            for ends in all { await server.accept(ends.server) }
            let last = all[2].client
            #expect(try await onOwnThread { Self.readAll(last) }.isEmpty)
            #expect(await server.connectionCount == 2)
            for ends in all { close(ends.client) }
            await server.close(within: .seconds(5))
        }
    }

    @Test func followersAreEndedWhenTheirClientGoes() async throws {
        try await LoopThread.run { loop in
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            var router = Router()
            router.on("GET", "/follow") { _ in
                .stream(headers: Headers(), endsWithClient: true) { stream in
                    try? await stream.send(Array("line".utf8))
                    let (never, _) = AsyncStream.makeStream(of: Void.self)
                    for await _ in never {}
                    end.yield()
                }
            }
            let server = HTTPServer(loop: loop, router: router, limits: HTTPServer.Limits(body: 1000), log: .none)
            let ends = try Self.pair()
            await server.accept(ends.server)
            let client = ends.client
            try await onOwnThread {
                Self.write(client, "GET /follow HTTP/1.1\r\nHost: x\r\n\r\n")
                var seen = ""
                while !seen.contains("line") { seen += Self.readSome(client) }
                close(client)
            }
            var iterator = ended.makeAsyncIterator()
            #expect(await iterator.next() != nil)
            await server.close(within: .seconds(5))
        }
    }

    @Test func attendedAnswersAreWholeOrInPiecesAndEndWithTheirClient() async throws {
        try await LoopThread.run { loop in
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            var router = Router()
            router.on("POST", "/attended") { request in
                .attended { reply in
                    if request.body == Array("whole".utf8) {
                        try? await reply.answer(HTTPResponse(status: 404, body: request.body))
                    } else if request.body == Array("pieces".utf8) {
                        try? await reply.begin(Headers(["content-type": "text/x"]))
                        for piece in ["a", "bc"] { try? await reply.send(Array(piece.utf8)) }
                    } else if !request.body.isEmpty {
                        let (never, _) = AsyncStream.makeStream(of: Void.self)
                        for await _ in never {}
                        end.yield()
                    }
                }
            }
            let server = HTTPServer(loop: loop, router: router, limits: HTTPServer.Limits(body: 1000), log: .none)
            let ends = try Self.pair()
            await server.accept(ends.server)
            let client = ends.client
            let text = try await onOwnThread {
                var seen = ""
                for (body, mark) in [("whole", "\r\n\r\nwhole"), ("pieces", "2\r\nbc\r\n0\r\n\r\n"), ("whole", "\r\n\r\nwhole")] {
                    Self.write(client, "POST /attended HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                    var answer = ""
                    while !answer.hasSuffix(mark) { answer += Self.readSome(client) }
                    seen += answer
                }
                // One that never ends, whose client leaves.
                Self.write(client, "POST /attended HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
                close(client)
                return seen
            }
            #expect(text.components(separatedBy: "HTTP/1.1 404 Not Found").count == 3 && text.contains("1\r\na\r\n2\r\nbc"))
            var iterator = ended.makeAsyncIterator()
            #expect(await iterator.next() != nil)
            // Without an answer the connection ends.
            let silent = try Self.pair()
            await server.accept(silent.server)
            let other = silent.client
            #expect(
                try await onOwnThread {
                    Self.write(other, "POST /attended HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                    return Self.readAll(other)
                }.isEmpty)
            close(other)
            await server.close(within: .seconds(5))
        }
    }

    @Test func upgradedConnectionsAreLeftAlone() async throws {
        try await LoopThread.run { loop in
            var router = Router()
            router.on("GET", "/talk") { _ in
                .upgrade(Array("HTTP/1.1 101 Switching Protocols\r\n\r\n".utf8)) { channel in
                    var bytes: [UInt8] = []
                    while let count = try? await channel.receive(into: &bytes), count > 0 {
                        try? await channel.send(bytes.reversed())
                        bytes = []
                    }
                    channel.finish()
                }
            }
            let server = HTTPServer(loop: loop, router: router, limits: HTTPServer.Limits(body: 1000), log: .none)
            let ends = try Self.pair()
            await server.accept(ends.server)
            let client = ends.client
            let said = try await onOwnThread {
                // What comes behind the request is no request.
                Self.write(client, "GET /talk HTTP/1.1\r\nHost: x\r\n\r\nabc")
                var seen = ""
                while !seen.hasSuffix("cba") { seen += Self.readSome(client) }
                Self.write(client, "de")
                while !seen.hasSuffix("ed") { seen += Self.readSome(client) }
                return seen
            }
            #expect(said == "HTTP/1.1 101 Switching Protocols\r\n\r\ncbaed")
            // The server's end ends it.
            await server.close(within: .seconds(5))
            #expect(try await onOwnThread { Self.readAll(client) }.isEmpty)
            close(client)
        }
    }

    @Test func closeWaitsForAnswersAndEndsTheIdle() async throws {
        try await LoopThread.run { loop in
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            var router = Router()
            router.on("GET", "/slow") { _ in
                start.yield()
                var iterator = gate.makeAsyncIterator()
                await iterator.next()
                return .text(200, "done")
            }
            let server = HTTPServer(loop: loop, router: router, limits: HTTPServer.Limits(body: 1000), log: .none)
            let busy = try Self.pair()
            let idle = try Self.pair()
            await server.accept(busy.server)
            await server.accept(idle.server)
            let (busyClient, idleClient) = (busy.client, idle.client)
            Self.write(busyClient, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            var iterator = started.makeAsyncIterator()
            await iterator.next()
            let closing = loop.task { await server.close(within: .seconds(20)) }
            #expect(try await onOwnThread { Self.readAll(idleClient) }.isEmpty)
            open.yield()
            let answer = try await onOwnThread { Self.readAll(busyClient) }
            #expect(answer.hasSuffix("done") && answer.contains("connection: close"))
            await closing.value
            close(busyClient)
            close(idleClient)
        }
    }

    @Test func loopbackPortsAreOnBothAddresses() async throws {
        try await LoopThread.run { loop in
            let bound = try LoopbackPort.bind(0)
            let server = HTTPServer(loop: loop, router: PublicSite.router(name: .default), limits: HTTPServer.Limits(body: 10), log: .none)
            for descriptor in bound.descriptors { try await server.listen(descriptor) }
            for host in ["127.0.0.1", "[::1]"].prefix(bound.descriptors.count) {
                let result = try await TestSupport.Command.run("curl", ["-sg", "http://\(host):\(bound.port)/health"])
                #expect(result.output == "{\"name\":\"default\"}")
            }
            #expect(throws: DevError.self) { _ = try LoopbackPort.bind(bound.port) }
            await server.close(within: .seconds(5))
        }
    }

    // MARK: A plain client

    private static func pair() throws -> (server: Int32, client: Int32) {
        var ends: [Int32] = [0, 0]
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        guard socketpair(AF_UNIX, stream, 0, &ends) == 0 else { throw TestFailure("socketpair: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        signal(SIGPIPE, SIG_IGN)
        return (ends[0], ends[1])
    }

    private static func connect(_ port: UInt16) throws -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        #if canImport(Darwin)
            let client = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connectSocket(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw TestFailure("connect: \(errno)") }
        return client
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func readSome(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var all = ""
        while true {
            let piece = readSome(descriptor)
            if piece.isEmpty { return all }
            all += piece
        }
    }
}

private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
private func connectSocket(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}
