public import Basics
internal import CUV

/// Readiness of a descriptor (uv_poll). Does not own the descriptor; close the handle before the descriptor.
/// Confined to its loop's thread.
public final class PollHandle {
    public struct Events: OptionSet, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: 1)
        public static let writable = Events(rawValue: 2)
        /// The peer has gone (hang-up or error), reported with or without the others.
        public static let disconnect = Events(rawValue: 4)
    }

    private let core: PollCore

    /// Makes the descriptor non-blocking.
    /// - Throws: `DevError` `system` when it can't be polled (a file) or another handle watches it.
    public init(loop: Loop, descriptor: Int32) throws(DevError) {
        core = PollCore(loop: loop)
        try core.open(descriptor: descriptor)
    }

    /// For a socket that is non-blocking already; it costs no system call.
    /// - Throws: `DevError` `system` when another handle watches it.
    public init(loop: Loop, socket: Int32) throws(DevError) {
        core = PollCore(loop: loop)
        try core.open(socket: socket)
    }

    deinit { core.close() }

    /// Replaces events and body; the body runs on the loop each time the descriptor is ready (level-triggered).
    /// After an error of the descriptor the body gets all events, again and again until it has read or written (which takes
    /// the error away, after what had come before it), or stopped.
    /// The same events as before cost no system call; others cost two.
    public func start(_ events: Events, _ body: @escaping (Events) -> Void) { core.start(events, body) }
    /// Other events for the same body.
    public func watch(_ events: Events) { core.arm(events) }
    public func stop() { core.stop() }
    public func close() { core.closeNow() }
}

final class PollCore: HandleCore, @unchecked Sendable {
    private var body: ((PollHandle.Events) -> Void)?
    private(set) var armed: PollHandle.Events = []
    /// libuv has stopped watching by itself.
    private var hasLapsed = false
    /// Called once the handle has let go of the descriptor.
    var closed: (() -> Void)?

    /// Set for sockets: libuv's handle is kept for the next socket of that number. To make one takes three system calls in
    /// which libuv finds out whether the descriptor can be polled, and numbers are given again at once.
    private var socket: Int32?

    func open(socket: Int32) throws(DevError) {
        if let spare = loop.spareWatches.take(socket) {
            try adopt(spare)
        } else {
            try open(descriptor: socket)
        }
        self.socket = socket
    }

    override func keep(_ handle: UnsafeMutablePointer<uv_handle_t>) -> Bool {
        guard let socket, !loop.isStopping, loop.spareWatches.add(handle, socket) else { return false }
        uv_poll_stop(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_poll_t.self))
        return true
    }

    func open(descriptor: Int32) throws(DevError) {
        try open(UV_POLL, "uv_poll_init", object: "descriptor \(descriptor)") {
            uv_poll_init(loop.uv, $0.assumingMemoryBound(to: uv_poll_t.self), descriptor)
        }
    }

    func start(_ events: PollHandle.Events, _ body: @escaping (PollHandle.Events) -> Void) {
        self.body = body
        arm(events)
    }

    func arm(_ events: PollHandle.Events) {
        guard events != armed || hasLapsed, let poll = pointer(uv_poll_t.self) else { return }
        armed = events
        hasLapsed = false
        if events.isEmpty {
            uv_poll_stop(poll)
            return
        }
        uv_poll_start(poll, events.rawValue) { poll, status, events in
            guard let data = poll?.pointee.data else { return }
            Unmanaged<PollCore>.fromOpaque(data).takeUnretainedValue().ready(status, PollHandle.Events(rawValue: events))
        }
    }

    private func ready(_ status: Int32, _ events: PollHandle.Events) {
        guard status < 0 else {
            body?(events)
            return
        }
        // An error of the descriptor, at which libuv stops watching. There may be more to read before it than the body
        // takes at once: the peer of a socket ended it without having read all.
        hasLapsed = true
        body?(armed.union(.disconnect))
        if hasLapsed, body != nil { arm(armed) }
    }

    func stop() {
        arm([])
        body = nil
    }

    override func didClose() {
        armed = []
        hasLapsed = false
        body = nil
        let closed = closed
        self.closed = nil
        closed?()
    }
}
