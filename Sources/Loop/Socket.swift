public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A byte stream over a connected, non-blocking descriptor, for `async` code on the loop. Owns the descriptor.
/// Confined to its loop's thread; one task may read while another writes.
///
/// Each call tries the system call first and waits only when the kernel says so. Cancellation of the task, `close()`,
/// `release()` and the loop's end make a waiting call throw `cancelled`.
public final class Socket {
    /// Calls that go through without waiting before a task lets the loop look at other descriptors.
    static let callsPerTurn = 16

    private let core: SocketCore
    private var streak = 0

    /// Makes the descriptor non-blocking, and owns it also when this throws.
    /// - Throws: `DevError` for what is no open descriptor.
    public init(loop: Loop, descriptor: Int32) throws(DevError) {
        core = SocketCore(loop: loop, descriptor: descriptor, isSocket: false)
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, flags & O_NONBLOCK != 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw posixError("fcntl", object: core.name, errno: errno)
        }
    }

    /// Owns a socket that is non-blocking already, as those are that `Listener` gives.
    public init(loop: Loop, socket: Int32) { core = SocketCore(loop: loop, descriptor: socket, isSocket: true) }

    deinit { core.close() }

    /// -1 once closed or released.
    public var descriptor: Int32 { core.descriptor }

    /// Appends what has come, at most `max` bytes (and 64 KiB); suspends until there is something. 0 = end of stream.
    /// - Parameter later: nothing can have come yet, so that a first try would be in vain.
    public func read(into buffer: inout [UInt8], max: Int, later: Bool = false) async throws(DevError) -> Int {
        precondition(max > 0, "a read of nothing looks like the end")
        if later { try await core.wait(.readable, after: "read", EAGAIN) }
        while true {
            try await breathe()
            let scratch = core.loop.scratch
            let count = systemRead(core.descriptor, scratch.baseAddress, min(max, scratch.count))
            if count >= 0 {
                buffer.append(contentsOf: scratch[..<count])
                return count
            }
            try await core.wait(.readable, after: "read", errno)
        }
    }

    /// Suspends until there are bytes to read or the stream has ended, without reading any.
    public func readable() async throws(DevError) {
        var byte: UInt8 = 0
        while true {
            if recv(core.descriptor, &byte, 1, messagePeek) >= 0 { return }
            try await core.wait(.readable, after: "recv", errno)
        }
    }

    /// Whether there are bytes to read. Does not wait.
    public var hasInput: Bool {
        var byte: UInt8 = 0
        return recv(core.descriptor, &byte, 1, messagePeek) > 0
    }

    /// Whether the peer has ended its stream and all of it has been read. Does not wait.
    public var isEnded: Bool {
        var byte: UInt8 = 0
        let count = recv(core.descriptor, &byte, 1, messagePeek)
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Writes all of it, suspending while the peer does not read.
    public func write(_ bytes: [UInt8]) async throws(DevError) { try await write(bytes[...]) }

    /// Writes all of it, suspending while the peer does not read.
    public func write(_ bytes: ArraySlice<UInt8>) async throws(DevError) {
        var rest = bytes
        while !rest.isEmpty {
            try await breathe()
            let count = rest.withUnsafeBytes { devdb_send(core.descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { rest = rest.dropFirst(count) } else { try await core.wait(.writable, after: "write", errno) }
        }
    }

    /// Writes all bytes, at least one, and with the first of them a duplicate of the descriptor (Unix sockets).
    public func write(_ bytes: [UInt8], passing descriptor: Int32) async throws(DevError) {
        precondition(!bytes.isEmpty, "a descriptor travels with a byte")
        while true {
            let count = bytes.withUnsafeBytes { devdb_send_descriptor(core.descriptor, $0.baseAddress, $0.count, descriptor) }
            if count >= 0 {
                if count < bytes.count { try await write(bytes[count...]) }
                return
            }
            try await core.wait(.writable, after: "sendmsg", errno)
        }
    }

    /// As `read`, for what `write(_:passing:)` sends.
    /// - Returns: the number of bytes, 0 at the end, and the descriptor that came with them, which the caller owns.
    public func readPassed(into buffer: inout [UInt8], max: Int) async throws(DevError) -> (count: Int, descriptor: Int32?) {
        precondition(max > 0, "a read of nothing looks like the end")
        while true {
            let scratch = core.loop.scratch
            var passed: Int32 = -1
            let count = devdb_receive_descriptor(core.descriptor, scratch.baseAddress, min(max, scratch.count), &passed)
            if count >= 0 {
                buffer.append(contentsOf: scratch[..<count])
                return (count, passed >= 0 ? passed : nil)
            }
            try await core.wait(.readable, after: "recvmsg", errno)
        }
    }

    /// Ends our direction of the stream; the peer's goes on.
    public func shutdownWrite() {
        if core.descriptor >= 0 { _ = shutdown(core.descriptor, Int32(SHUT_WR)) }
    }

    /// Gives the descriptor away: no handle of ours is left on it. -1 when there is none any more.
    public func release() -> Int32 { core.release() }

    public func close() { core.closeNow() }

    /// A stream that never runs dry must not starve the others.
    private func breathe() async throws(DevError) {
        guard core.descriptor >= 0 else { throw core.gone }
        streak += 1
        guard streak >= Socket.callsPerTurn else { return }
        streak = 0
        if Task.isCancelled { throw core.gone }
        await core.loop.turn()
        guard core.descriptor >= 0 else { throw core.gone }
    }

    func connected() async throws(DevError) { try await core.wait(.writable, after: "connect", EAGAIN) }
}

/// `@unchecked Sendable`: confined to the loop's thread; others only pass it to `Loop.perform`.
private final class SocketCore: @unchecked Sendable {
    let loop: Loop
    private(set) var descriptor: Int32
    let name: String
    private let reader = Waiter()
    private let writer = Waiter()
    /// Made at the first wait.
    private var poll: PollCore?

    /// Else it may be a pipe or anything else.
    private let isSocket: Bool

    init(loop: Loop, descriptor: Int32, isSocket: Bool) {
        self.loop = loop
        self.descriptor = descriptor
        self.isSocket = isSocket
        name = "descriptor \(descriptor)"
    }

    var gone: DevError { DevError(.cancelled, "The connection was closed on this side", object: name) }

    /// - Parameter number: the `errno` of the call; what does not mean "later" is thrown.
    func wait(_ event: PollHandle.Events, after call: String, _ number: Int32) async throws(DevError) {
        guard descriptor >= 0 else { throw gone }
        if number == EINTR { return }
        guard number == EAGAIN else { throw posixError(call, object: name, errno: number) }
        let poll = try watched()
        let waiter = event == .readable ? reader : writer
        let outcome = await waiter.wait(on: loop) {
            // Often still armed from the last wait; that saves three system calls.
            if !poll.armed.contains(event) { poll.arm(poll.armed.union(event)) }
        }
        guard outcome == .ready, descriptor >= 0 else { throw gone }
    }

    private func watched() throws(DevError) -> PollCore {
        if let poll { return poll }
        let poll = PollCore(loop: loop)
        if isSocket { try poll.open(socket: descriptor) } else { try poll.open(descriptor: descriptor) }
        poll.start([]) { [unowned self] in ready($0) }
        poll.closed = { [unowned self] in closeNow() }
        self.poll = poll
        return poll
    }

    private func ready(_ events: PollHandle.Events) {
        var wanted: PollHandle.Events = []
        let awake = events.contains(.disconnect) ? [.readable, .writable] : events
        if awake.contains(.readable), reader.isWaiting { wanted.insert(.readable) }
        if awake.contains(.writable), writer.isWaiting { wanted.insert(.writable) }
        // An event that nobody waits for: the watch was left armed in vain, and would report it again and again.
        let vain = events.intersection([.readable, .writable]).subtracting(wanted)
        if let poll, !vain.isEmpty { poll.arm(poll.armed.subtracting(vain)) }
        if wanted.contains(.readable) { reader.resume(.ready) }
        if wanted.contains(.writable) { writer.resume(.ready) }
    }

    func release() -> Int32 {
        let result = descriptor
        descriptor = -1
        poll?.closed = nil
        poll?.closeNow()
        poll = nil
        reader.resume(.cancelled)
        writer.resume(.cancelled)
        return result
    }

    func closeNow() {
        let descriptor = release()
        if descriptor >= 0 { Loop.close(descriptor) }
    }

    func close() {
        guard !loop.isCurrent, loop.perform({ self.closeNow() }) else { return closeNow() }
    }
}
