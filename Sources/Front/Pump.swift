internal import Basics
internal import Loop

/// Moves the bytes of one session between client and server, by callbacks of the loop. A direction holds a buffer only
/// while its target does not take what has been read; then its source is not read, and the target's writability is
/// awaited instead: nothing can grow. Owns both descriptors. Confined to the loop.
final class Pump {
    /// Reads of one descriptor in one turn of the loop: none starves the others.
    private static let readsPerTurn = 4

    let id: String
    /// Called once, when both descriptors are closed.
    var ended: (() -> Void)?

    private let slab: BufferSlab
    private let client: End
    private let server: End

    /// What a direction holds. In memory of its own, for the reason that `BufferSlab` gives.
    private struct Flow {
        /// Bytes that the other end has not taken: `start..<end` of the buffer.
        var buffer: UnsafeMutableRawPointer?
        var start = 0
        var end = 0
        /// Nothing more comes.
        var isDrained = false
        var isBlocked: Bool { buffer != nil }
    }

    /// One of the two descriptors, with the direction that leads away from it.
    private final class End {
        let descriptor: Int32
        let poll: PollHandle
        let flow: UnsafeMutablePointer<Flow>

        init(loop: Loop, descriptor: Int32) throws(DevError) {
            self.descriptor = descriptor
            poll = try PollHandle(loop: loop, socket: descriptor)
            flow = .allocate(capacity: 1)
            flow.initialize(to: Flow())
        }

        deinit { flow.deallocate() }
    }
    private var isClosed = false

    /// - Parameters:
    ///   - greeting: what the server has said already, at most a buffer's size.
    /// - Throws: when a descriptor can't be watched; both are closed then.
    init(loop: Loop, id: String, slab: BufferSlab, client: Int32, server: Int32, greeting: [UInt8]) throws(DevError) {
        self.id = id
        self.slab = slab
        do throws(DevError) {
            self.client = try End(loop: loop, descriptor: client)
            self.server = try End(loop: loop, descriptor: server)
        } catch {
            ClientSocket.close(client)
            ClientSocket.close(server)
            throw error
        }
        precondition(greeting.count <= BufferSlab.size)
        guard !greeting.isEmpty else { return }
        let buffer = slab.takeCurrent()
        greeting.withUnsafeBytes { buffer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(buffer), byteCount: $0.count) }
        self.server.flow.pointee = Flow(buffer: buffer, end: greeting.count)
    }

    func start() {
        guard !server.flow.pointee.isBlocked || flush(from: server, to: client) else { return }
        // They hold on to us until `close`, which every session comes to.
        client.poll.start(events(of: client, other: server)) { [self, client, server] events in ready(client, server, events) }
        server.poll.start(events(of: server, other: client)) { [self, client, server] events in ready(server, client, events) }
    }

    /// Ends both directions at once.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        for end in [client, server] {
            end.poll.close()
            if let buffer = end.flow.pointee.buffer { slab.give(buffer) }
            end.flow.pointee.buffer = nil
        }
        ClientSocket.close(server.descriptor)
        ClientSocket.end(client.descriptor)
        let ended = ended
        self.ended = nil
        ended?()
    }

    // MARK: Events

    private func watch() {
        guard !isClosed else { return }
        client.poll.watch(events(of: client, other: server))
        server.poll.watch(events(of: server, other: client))
    }

    private func events(of end: End, other: End) -> PollHandle.Events {
        var events: PollHandle.Events = []
        if !end.flow.pointee.isBlocked, !end.flow.pointee.isDrained { events.insert(.readable) }
        if other.flow.pointee.isBlocked { events.insert(.writable) }
        return events
    }

    private func ready(_ end: End, _ other: End, _ events: PollHandle.Events) {
        let (flow, back) = (end.flow, other.flow)
        let before = (flow.pointee.isBlocked, back.pointee.isBlocked, flow.pointee.isDrained, back.pointee.isDrained)
        if events.contains(.writable) || events.contains(.disconnect), before.1 {
            guard flush(from: other, to: end) else { return }
        }
        if events.contains(.readable) || events.contains(.disconnect), !before.0, !before.2 {
            guard move(from: end, to: other) else { return }
        }
        if before != (flow.pointee.isBlocked, back.pointee.isBlocked, flow.pointee.isDrained, back.pointee.isDrained) { watch() }
    }

    // MARK: Bytes

    /// - Returns: false when the session is over.
    private func move(from source: End, to target: End) -> Bool {
        let buffer = slab.current
        for _ in 0..<Self.readsPerTurn {
            let count = SystemCall.read(source.descriptor, buffer, BufferSlab.size)
            guard count > 0 else {
                if count == 0 { return endOfStream(from: source, to: target) }
                if SystemCall.isTemporary { return true }
                close()
                return false
            }
            let sent = SystemCall.send(target.descriptor, buffer, count)
            if sent == count {
                // A short read means that there is no more for now.
                if count < BufferSlab.size { break }
                continue
            }
            if sent < 0, !SystemCall.isTemporary {
                close()
                return false
            }
            source.flow.pointee = Flow(buffer: slab.takeCurrent(), start: max(0, sent), end: count)
            return true
        }
        return true
    }

    /// Sends on what a direction holds.
    /// - Returns: false when the session is over.
    private func flush(from source: End, to target: End) -> Bool {
        let flow = source.flow
        guard let buffer = flow.pointee.buffer else { return true }
        let sent = SystemCall.send(target.descriptor, buffer + flow.pointee.start, flow.pointee.end - flow.pointee.start)
        if sent < 0 {
            if SystemCall.isTemporary { return true }
            close()
            return false
        }
        flow.pointee.start += sent
        guard flow.pointee.start == flow.pointee.end else { return true }
        slab.give(buffer)
        flow.pointee.buffer = nil
        return true
    }

    /// The server's end is the session's: all that it said has been passed on. A client may end its direction and still
    /// wait for answers.
    private func endOfStream(from source: End, to target: End) -> Bool {
        source.flow.pointee.isDrained = true
        guard source === client, !target.flow.pointee.isDrained else {
            close()
            return false
        }
        SystemCall.endWriting(target.descriptor)
        return true
    }
}
