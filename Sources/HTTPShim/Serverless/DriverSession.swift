internal import Basics
internal import HTTPWire
internal import Loop
internal import PostgresSession

/// A driver's session: a WebSocket, and a PostgreSQL session of its own from the first statement to the end (specification of
/// the drivers §3, §4). Statements are done in their order, each with its own answer.
///
/// `@unchecked Sendable`: it and its tasks are on the loop's thread alone.
final class DriverSession: @unchecked Sendable {
    struct Limits {
        /// Bytes of a message, and of all values of a statement.
        var message = 64 << 20
        /// Statements that may wait, and their bytes, before no more are read.
        var waiting = 256
        var waitingBytes = 1 << 20
        /// Until the credentials are there.
        var patience: Duration = .seconds(10)
        /// For a client to have taken the rows before an error.
        var pong: Duration = .seconds(10)
        /// Without a statement.
        var idle: Duration = .seconds(30 * 60)
        /// For the client to close its side too.
        var farewell: Duration = .seconds(2)
    }

    enum Admission {
        case granted(connect: () async throws(PostgresError) -> Session, left: () -> Void)
        case refused(WebSocketClose)
    }

    private enum Stage {
        case credentials
        case urn
        case payload(isDescriptor: Bool)
    }

    private let loop: Loop
    private let channel: any ByteChannel
    private let limits: Limits
    private let admit: (DriverAccess) async -> Admission
    private let timer: TimerHandle

    private var stage = Stage.credentials
    /// Its values are still coming.
    private var incomplete: DriverStatement?
    private var queue: [(statement: DriverStatement, bytes: Int)] = []
    private var queuedBytes = 0
    private var arrival: UnsafeContinuation<Void, Never>?
    private var space: UnsafeContinuation<Void, Never>?
    private var pong: UnsafeContinuation<Void, Never>?
    private var hasPong = false
    private var isOver = false
    private var isPerforming = false

    private var connect: (() async throws(PostgresError) -> Session)?
    private var left: (() -> Void)?
    private var session: Session?
    private var reading: Task<Void, Never>?

    /// What the client is told at the end; nil: it has gone.
    private var ending: WebSocketClose?
    private var isWriting = false
    private var writers: [UnsafeContinuation<Void, Never>] = []

    init(loop: Loop, channel: any ByteChannel, limits: Limits, admit: @escaping (DriverAccess) async -> Admission) {
        self.loop = loop
        self.channel = channel
        self.limits = limits
        self.admit = admit
        timer = TimerHandle(loop: loop)
    }

    /// Until the client leaves, or this task is cancelled.
    func run() async {
        end(after: limits.patience, WebSocketClose(1008, "no credentials came in time"))
        let reading = loop.task { await self.read() }
        self.reading = reading
        let performing = loop.task { await self.perform() }
        await withTaskCancellationHandler {
            await reading.value
        } onCancel: {
            self.loop.perform {
                self.ending = self.ending ?? WebSocketClose(1001, "the daemon is leaving")
                reading.cancel()
                self.wake(&self.space)
            }
        }
        isOver = true
        timer.stop()
        // The statement under way is cancelled; with the session its transaction ends.
        performing.cancel()
        wake(&arrival)
        wake(&pong)
        await performing.value
        session?.close()
        session = nil
        left?()
        await leave()
        timer.close()
    }

    private func end(_ close: WebSocketClose) {
        ending = ending ?? close
        reading?.cancel()
        wake(&space)
    }

    private func end(after time: Duration, _ close: WebSocketClose) {
        timer.start(after: time) { [weak self] in self?.end(close) }
    }

    private func wake(_ place: inout UnsafeContinuation<Void, Never>?) {
        let continuation = place
        place = nil
        continuation?.resume()
    }

    // MARK: Reading

    private func read() async {
        var reader = WebSocketReader(limit: limits.message)
        var buffer: [UInt8] = []
        var position = 0
        while ending == nil {
            switch reader.next(buffer, &position) {
            case .needMore:
                buffer.removeSubrange(..<position)
                position = 0
                guard let count = try? await channel.receive(into: &buffer), count > 0 else { return }
            case .text(let message): await take(message, isText: true)
            case .binary(let message): await take(message, isText: false)
            case .ping(let payload): try? await write(WebSocketFrame.encoded(.pong, payload))
            case .pong:
                hasPong = true
                wake(&pong)
            case .close(let close): ending = close ?? WebSocketClose(1000, "")
            case .failed(let close): ending = close
            }
        }
    }

    private func take(_ message: [UInt8], isText: Bool) async {
        do throws(WebSocketClose) {
            switch stage {
            case .credentials:
                guard isText, let access = DriverAccess(message: message) else { throw WebSocketClose(1008, "authentication failed") }
                switch await admit(access) {
                case .refused(let close): throw close
                case .granted(let connect, let left): (self.connect, self.left) = (connect, left)
                }
                stage = .urn
                if queue.isEmpty { idle() }
            case .urn: stage = .payload(isDescriptor: try isDescriptor(message, isText))
            case .payload(let isDescriptor):
                stage = .urn
                try payload(message, isText, isDescriptor)
                await enqueue()
            }
        } catch {
            ending = ending ?? error
        }
    }

    /// - Returns: whether the payload that follows is a descriptor.
    private func isDescriptor(_ message: [UInt8], _ isText: Bool) throws(WebSocketClose) -> Bool {
        let expected: String =
            switch incomplete?.awaited {
            case nil: "urn:prisma:query:descriptor"
            case .some((_, isBinary: false, _)): "urn:prisma:query:param:text"
            case .some: "urn:prisma:query:param:binary"
            }
        guard isText, message.elementsEqual(expected.utf8) else { throw WebSocketClose(1002, "\(expected) must come here") }
        return incomplete == nil
    }

    private func payload(_ message: [UInt8], _ isText: Bool, _ isDescriptor: Bool) throws(WebSocketClose) {
        if isDescriptor {
            guard isText else { throw WebSocketClose(1002, "a descriptor must be text") }
            do throws(DriverStatement.Malformed) { incomplete = try DriverStatement(message) } catch {
                throw WebSocketClose(1002, error.reason)
            }
            guard let bytes = incomplete?.awaitedBytes, bytes <= limits.message else {
                throw WebSocketClose(1009, "a statement's values are too large")
            }
        } else if let (index, isBinary, count) = incomplete?.awaited {
            // A text may come as bytes; whether it is UTF-8 is for PostgreSQL to say.
            guard message.count == count else { throw WebSocketClose(1002, "a value has not the size that was announced") }
            incomplete?.slots[index] = isBinary ? .binary(message) : .text(message)
        }
    }

    /// What is complete is done next; suspends while too much waits.
    private func enqueue() async {
        guard let statement = incomplete, statement.awaited == nil else { return }
        incomplete = nil
        timer.stop()
        let bytes = statement.byteCount
        queue.append((statement, bytes))
        queuedBytes += bytes
        wake(&arrival)
        while queue.count > limits.waiting || queuedBytes > limits.waitingBytes, queue.count > 1, ending == nil, !Task.isCancelled {
            await withUnsafeContinuation { space = $0 }
        }
    }

    // MARK: Statements

    private func perform() async {
        while let statement = await next() { await perform(statement) }
    }

    private func next() async -> DriverStatement? {
        while !isOver, queue.isEmpty { await withUnsafeContinuation { arrival = $0 } }
        guard !isOver else { return nil }
        let (statement, bytes) = queue.removeFirst()
        queuedBytes -= bytes
        wake(&space)
        return statement
    }

    private func perform(_ statement: DriverStatement) async {
        isPerforming = true
        defer { isPerforming = false }
        let result = DriverResult(form: .frames, isExec: statement.isExec, isTrusted: session?.isUTF8 ?? false) {
            bytes async throws(PostgresError) in
            do throws(DevError) { try await self.write(bytes) } catch { throw .clientGone }
        }
        do throws(PostgresError) {
            let session = try await connected()
            try await session.stream(statement.sql, statement.parameters(), to: result)
            try? await write(result.complete())
        } catch {
            if result.hasSent { await untilTaken(result.unsent()) }
            try? await write(result.fail(error))
        }
        if let session, !session.isOpen {
            hasLost()
        } else if queue.isEmpty, !isOver {
            idle()
        }
    }

    private func connected() async throws(PostgresError) -> Session {
        if let session { return session }
        guard let connect else { throw .clientGone }
        let session = try await connect()
        self.session = session
        session.whenLost { [weak self] in
            // A statement under way is answered first.
            guard let self, !isPerforming else { return }
            hasLost()
        }
        return session
    }

    /// What the server's session held is gone; the client must not go on as if it were there.
    private func hasLost() { end(WebSocketClose(1011, "the session with the database has ended")) }

    /// Sends the last rows before an error. One that comes before the client waits for another row is lost to it: so not before
    /// it has answered a ping behind them, which it does in its turn, and a moment later.
    private func untilTaken(_ rows: [UInt8]) async {
        let patience = TimerHandle(loop: loop)
        defer { patience.close() }
        patience.start(after: limits.pong) { [weak self] in
            guard let self else { return }
            wake(&pong)
        }
        hasPong = false
        guard (try? await write(rows + WebSocketFrame.encoded(.ping, "rows".utf8))) != nil, !isOver else { return }
        if !hasPong { await withUnsafeContinuation { pong = $0 } }
        try? await loop.clock.sleep(for: .milliseconds(50))
    }

    private func idle() { end(after: limits.idle, WebSocketClose(1001, "no statement for \(limits.idle.components.seconds / 60) minutes")) }

    // MARK: Writing

    /// One after the other: frames of two tasks must not mix.
    private func write(_ bytes: [UInt8]) async throws(DevError) {
        if isWriting { await withUnsafeContinuation { writers.append($0) } }
        isWriting = true
        defer { if writers.isEmpty { isWriting = false } else { writers.removeFirst().resume() } }
        try await channel.send(bytes)
    }

    /// Says why, and lets the client read it: a close with unread bytes would reset the connection.
    private func leave() async {
        guard let ending else { return }
        let farewell = loop.task {
            guard (try? await self.write(WebSocketFrame.encoded(ending))) != nil else { return }
            self.channel.finish()
            var ignored: [UInt8] = []
            while let count = try? await self.channel.receive(into: &ignored), count > 0 { ignored.removeAll(keepingCapacity: true) }
        }
        timer.start(after: limits.farewell) { farewell.cancel() }
        await farewell.value
    }
}
