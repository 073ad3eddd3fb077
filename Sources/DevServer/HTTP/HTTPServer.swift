internal import Basics
internal import HTTPShim
internal import HTTPWire
internal import Loop

/// HTTP/1.1 over listening sockets: the control socket and the TCP ports alike. Each connection is one task on the
/// loop; requests on it are answered in order.
actor HTTPServer {
    struct Limits: Sendable {
        var http = HTTPLimits()
        /// From a request's first byte to its head's last, and then for each part of its body.
        var requestTime: Duration = .seconds(10)
        /// For a whole body.
        var bodyTime: Duration = .seconds(300)
        /// Between requests, and before the first.
        var idleTime: Duration = .seconds(60)
        /// For a whole answer to be taken by the client; streams have none, their clients may read as they like.
        var writeTime: Duration = .seconds(30)
        /// At once; more wait in the queues of the listening sockets. A client opens one for each request that it has under way.
        var connections = 2_048

        init(body: Int) { http.body = body }
    }

    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let router: Router
    private let limits: Limits
    private let log: Log
    /// Whether a new connection may stay; by its descriptor.
    private let admit: @Sendable (Int32) -> Bool
    private var listeners: [Listener] = []
    private var connections: [Int: HTTPConnection] = [:]
    private var lastID = 0
    private var isClosing = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(loop: Loop, router: Router, limits: Limits, log: Log, admit: @escaping @Sendable (Int32) -> Bool = { _ in true }) {
        self.loop = loop
        self.router = router
        self.limits = limits
        self.log = log
        self.admit = admit
    }

    var connectionCount: Int { connections.count }

    var listening: [Int32] { listeners.map(\.descriptor) }

    /// Takes clients of a listening descriptor, which it owns from now on.
    func listen(_ descriptor: Int32) throws(DevError) {
        listeners.append(
            try Listener(loop: loop, descriptor: descriptor) { [weak self] client in
                guard let self else { return Descriptor.close(client) }
                self.assumeIsolated { $0.accept(client) }
            })
    }

    /// Serves one connected descriptor, which it owns from now on.
    func accept(_ descriptor: Int32) {
        guard !isClosing, connections.count < limits.connections, admit(descriptor) else { return Descriptor.close(descriptor) }
        do {
            let connection = HTTPConnection(
                socket: try Socket(loop: loop, descriptor: descriptor), timer: TimerHandle(loop: loop), limits: limits, clock: loop.clock)
            lastID += 1
            let id = lastID
            connections[id] = connection
            loop.task { await self.serve(id) }
            if connections.count == limits.connections {
                log.warning("no more connections for now", ["connections": connections.count])
                for listener in listeners { listener.pause() }
            }
        } catch {
            log.warning("connection refused", ["cause": error])
        }
    }

    /// Stops listening, closes idle connections, lets the others end until the deadline.
    func close(within deadline: Duration) async {
        isClosing = true
        for listener in listeners { listener.close() }
        listeners = []
        for connection in connections.values {
            connection.keepAlive = false
            if connection.isIdle { connection.close() }
            connection.cancelFollowed?()
        }
        guard !connections.isEmpty else { return }
        let timer = TimerHandle(loop: loop)
        defer { timer.close() }
        timer.start(after: deadline) { [weak self] in
            self?.assumeIsolated { server in for connection in server.connections.values { connection.close() } }
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    private func serve(_ id: Int) async {
        defer { ended(id) }
        guard let connection = connections[id] else { return }
        while let request = await connection.nextRequest() {
            let answer = await router.answer(request)
            guard await send(answer, for: request.head, id) else { break }
        }
    }

    /// - Returns: whether the connection goes on.
    private func send(_ answer: Answer, for head: RequestHead, _ id: Int) async -> Bool {
        guard let connection = connections[id] else { return false }
        switch answer {
        case .whole(let response): return await connection.send(response, for: head)
        case .attended(let body):
            let task = loop.task { await self.attend(body, head, id) }
            connection.cancelFollowed = { task.cancel() }
            let watch = loop.task { await self.watchPresence(id) }
            let goesOn = await task.value
            connection.cancelFollowed = nil
            // Two must not read at once.
            watch.cancel()
            await watch.value
            return goesOn
        case .upgrade(let bytes, let body):
            guard await connection.switchProtocols(bytes) else { return false }
            let task = loop.task { await self.speak(body, id) }
            connection.cancelFollowed = { task.cancel() }
            await task.value
            return false
        case .stream(let headers, let endsWithClient, let body):
            guard await connection.begin(ResponseStream(status: 200, headers: headers, for: head, keepAlive: connection.keepAlive)) else {
                // Asked for is asked for; who only follows has nobody to tell.
                if !endsWithClient { await body(connection) }
                return false
            }
            guard endsWithClient else {
                await body(connection)
                return await connection.end()
            }
            let task = loop.task { await self.run(body, id) }
            connection.cancelFollowed = { task.cancel() }
            loop.task { await self.watch(id) }
            await task.value
            connection.cancelFollowed = nil
            _ = await connection.end()
            // The watch has read ahead of the next request: simpler to let this connection go.
            return false
        }
    }

    private func run(_ body: @Sendable (any AnswerStream) async -> Void, _ id: Int) async {
        if let connection = connections[id] { await body(connection) }
    }

    private func attend(_ body: @Sendable (any DriverReply) async -> Void, _ head: RequestHead, _ id: Int) async -> Bool {
        guard let connection = connections[id] else { return false }
        let answer = AttendedAnswer(connection, head)
        await body(answer)
        return await answer.end() && !Task.isCancelled
    }

    private func speak(_ body: @Sendable (any ByteChannel) async -> Void, _ id: Int) async {
        if let connection = connections[id] { await body(connection) }
    }

    private func watchPresence(_ id: Int) async {
        guard let connection = connections[id], await connection.isLeft() else { return }
        connection.cancelFollowed?()
    }

    /// Waits for the client of a followed stream to leave.
    private func watch(_ id: Int) async {
        guard let connection = connections[id] else { return }
        await connection.untilGone()
        connection.cancelFollowed?()
    }

    private func ended(_ id: Int) {
        connections.removeValue(forKey: id)?.close()
        if connections.count == limits.connections - 1 { for listener in listeners { listener.resume() } }
        guard isClosing, connections.isEmpty else { return }
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
