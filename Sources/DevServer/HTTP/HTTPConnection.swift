internal import Basics
internal import HTTPShim
internal import HTTPWire
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// One client of an `HTTPServer`: its socket, its buffer, its one deadline. Confined to the loop.
final class HTTPConnection: AnswerStream {
    private let socket: Socket
    private let timer: TimerHandle
    private let limits: HTTPServer.Limits
    private var reader: RequestReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var stream: ResponseStream?
    /// No request is being read or answered.
    private(set) var isIdle = true
    var keepAlive = true
    /// Cancels the task of an answer that ends with its client.
    var cancelFollowed: (() -> Void)?
    /// HTTP is over.
    private var isUpgraded = false
    private let clock: LoopClock
    /// When the body that is being read must be here.
    private var bodyEnd: ContinuousClock.Instant?
    /// The client has hardly sent its next request already.
    private var hasAnswered = false
    /// The request that is being read took too long.
    private var isLate = false

    init(socket: Socket, timer: TimerHandle, limits: HTTPServer.Limits, clock: LoopClock) {
        self.clock = clock
        self.socket = socket
        self.timer = timer
        self.limits = limits
        reader = RequestReader(limits: limits.http)
    }

    /// Ends what waits on the socket.
    func close() {
        timer.close()
        socket.close()
    }

    /// The next request, or nil when the connection is at its end; a refusal has been answered then.
    func nextRequest() async -> HTTPRequest? {
        isIdle = reader.isIdle(buffer, position)
        (bodyEnd, isLate) = (nil, false)
        if isIdle { armIdle() } else { armRequest(limits.requestTime) }
        while true {
            switch reader.next(buffer, &position) {
            case .request(let request):
                cut()
                isIdle = false
                timer.stop()
                return request
            case .refused(let refusal):
                _ = try? await socket.write(refusal.response.encoded(for: nil, keepAlive: false))
                await linger()
                return nil
            case .sendContinue:
                guard (try? await socket.write(HTTPResponse.continueLine)) != nil else { return nil }
            case .needMore:
                cut()
                guard keepAlive || !reader.isIdle(buffer, position) else { return nil }
                if reader.isInBody {
                    let end = bodyEnd ?? clock.now.advanced(by: limits.bodyTime)
                    bodyEnd = end
                    armRequest(min(limits.requestTime, end - clock.now))
                }
                guard let count = try? await socket.read(into: &buffer, max: 65_536, later: hasAnswered), count > 0 else {
                    if isLate { await refuseLate() }
                    return nil
                }
                hasAnswered = false
                if isIdle {
                    isIdle = false
                    armRequest(limits.requestTime)
                }
            }
        }
    }

    /// - Returns: whether another request may follow.
    func send(_ response: HTTPResponse, for head: RequestHead) async -> Bool {
        arm(limits.writeTime)
        defer { timer.stop() }
        hasAnswered = true
        if response.body.count < HTTPResponse.large {
            guard (try? await socket.write(response.encoded(for: head, keepAlive: keepAlive))) != nil else { return false }
        } else {
            let (bytes, hasBody) = response.encodedHead(for: head, keepAlive: keepAlive)
            guard (try? await socket.write(bytes)) != nil else { return false }
            if hasBody, (try? await socket.write(response.body)) == nil { return false }
        }
        return HTTPResponse.keepsAlive(head, keepAlive: keepAlive)
    }

    func begin(_ stream: ResponseStream) async -> Bool {
        self.stream = stream
        return (try? await socket.write(stream.head)) != nil
    }

    func send(_ bytes: [UInt8]) async throws(DevError) {
        guard !isUpgraded else { return try await socket.write(bytes) }
        guard let stream else { return }
        try await socket.write(stream.chunk(bytes))
    }

    func end() async -> Bool {
        guard let stream else { return false }
        self.stream = nil
        guard (try? await socket.write(stream.end())) != nil else { return false }
        return stream.keepsAlive && keepAlive
    }

    /// Returns when the client has closed its side, or sends more than anybody should while it follows a stream.
    func untilGone() async {
        var ignored: [UInt8] = []
        while ignored.count < 65_536, let count = try? await socket.read(into: &ignored, max: 4096), count > 0 {}
    }

    /// Returns when the client has gone, or has sent more than its request; cancelled, at once.
    /// - Returns: whether it has gone.
    func isLeft() async -> Bool {
        // What it has sent ahead tells nothing of its presence.
        guard position >= buffer.count, (try? await socket.readable()) != nil else { return false }
        return socket.isEnded
    }

    private func cut() {
        guard position > 0 else { return }
        buffer.removeSubrange(..<min(position, buffer.count))
        position = 0
    }

    private func arm(_ time: Duration) {
        timer.start(after: time) { [weak self] in self?.socket.close() }
    }

    /// What came while the loop could not look is in time, for this and the next.
    private func armIdle() {
        timer.start(after: limits.idleTime) { [weak self] in
            if let self, !socket.hasInput { socket.close() }
        }
    }

    /// A request that does not come to its end gets an answer (RFC 9110 §15.5.9): its reader finds the stream ended.
    private func armRequest(_ time: Duration) {
        timer.start(after: time) { [weak self] in
            guard let self else { return }
            guard !socket.hasInput else { return armRequest(.seconds(1)) }
            isLate = true
            shutdown(socket.descriptor, Int32(SHUT_RD))
        }
    }

    private func refuseLate() async {
        arm(.seconds(1))
        let response = HTTPResponse(
            status: 408, headers: ["content-type": "text/plain; charset=utf-8"], body: Array("The request did not arrive in time\n".utf8))
        _ = try? await socket.write(response.encoded(for: nil, keepAlive: false))
    }

    /// Lets a refused client read our words: a close with unread bytes would reset the connection and lose them.
    private func linger() async {
        shutdown(socket.descriptor, Int32(SHUT_WR))
        arm(.seconds(1))
        var ignored: [UInt8] = []
        while let count = try? await socket.read(into: &ignored, max: 65_536), count > 0 { ignored.removeAll(keepingCapacity: true) }
    }
}

/// What an upgraded connection is. The deadlines are its user's affair.
extension HTTPConnection: ByteChannel {
    func receive(into buffer: inout [UInt8]) async throws(DevError) -> Int {
        if position < self.buffer.count {
            // Came together with the request.
            defer { (self.buffer, position) = ([], 0) }
            buffer += self.buffer[position...]
            return self.buffer.count - position
        }
        return try await socket.read(into: &buffer, max: 65_536)
    }

    func finish() { socket.shutdownWrite() }

    func switchProtocols(_ head: [UInt8]) async -> Bool {
        isUpgraded = true
        return (try? await socket.write(head)) != nil
    }
}

enum Descriptor {
    static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
            _ = Darwin.close(descriptor)
        #else
            _ = Glibc.close(descriptor)
        #endif
    }
}
