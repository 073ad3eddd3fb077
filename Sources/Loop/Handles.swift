public import Basics

// STUB: signatures to code against. All handles are non-Sendable classes confined to their loop's thread; `close()`
// is idempotent and is called by deinit's precondition-free path too; after it no callback comes.

/// Readiness of a descriptor (uv_poll). Does not own the descriptor; close the handle before the descriptor.
public final class PollHandle {
    public struct Events: OptionSet, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: 1)
        public static let writable = Events(rawValue: 2)
        /// The peer has gone (hang-up or error), reported with or without the others.
        public static let disconnect = Events(rawValue: 4)
    }
    public init(loop: Loop, descriptor: Int32) throws(DevError) {}
    /// Replaces events and body; the body runs on the loop each time the descriptor is ready.
    public func start(_ events: Events, _ body: @escaping (Events) -> Void) {}
    public func stop() {}
    public func close() {}
}

/// A one-shot timer.
public final class TimerHandle {
    public init(loop: Loop) {}
    public func start(after delay: Duration, _ body: @escaping () -> Void) {}
    public func stop() {}
    public func close() {}
}

/// A signal to this process, such as SIGTERM.
public final class SignalHandle {
    public init(loop: Loop, signal: Int32, _ body: @escaping () -> Void) throws(DevError) {}
    public func close() {}
}

/// Changes in a folder (inotify, kqueue): the body gets the entry's name, or nil when the kernel does not say.
public final class FolderWatch {
    public init(loop: Loop, path: String, _ body: @escaping (String?) -> Void) throws(DevError) {}
    public func close() {}
}

/// The end of a process that is not our child (pidfd, kqueue NOTE_EXIT); the body runs once, also when the
/// process has already gone.
public final class ExitWatch {
    public init(loop: Loop, pid: Int32, _ body: @escaping () -> Void) throws(DevError) {}
    public func close() {}
}

public enum ExitStatus: Sendable, Equatable {
    case code(Int32)
    case signal(Int32)
}

/// What to start: no shell, no inherited descriptors but 0, 1, 2, an own session, this environment and no other.
public struct ChildSpecification: Sendable {
    public var executable: String
    /// Without argv[0].
    public var arguments: [String]
    public var environment: [String: String]
    public var workingDirectory: String
    /// Opened append-only by the caller; the child's stdout and stderr. -1 is /dev/null.
    public var output: Int32
    /// The user to run as, when we are root.
    public var user: (uid: UInt32, gid: UInt32)?
    public init(
        executable: String, arguments: [String], environment: [String: String], workingDirectory: String = "/",
        output: Int32 = -1, user: (uid: UInt32, gid: UInt32)? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.output = output
        self.user = user
    }
}

/// A child of ours (uv_spawn): a session of its own, so that it outlives us. Never reaps others' children.
public final class ChildProcess {
    /// - Throws: `DevError` `system` with the executable as object.
    public static func spawn(loop: Loop, _ specification: ChildSpecification) throws(DevError) -> ChildProcess {
        fatalError()
    }
    public let pid: Int32 = 0
    /// Resumes when the child has ended; cached, so that any number may wait, before or after.
    public func exit() async -> ExitStatus { fatalError() }
    /// - Returns: false when it has already gone.
    @discardableResult public func signal(_ number: Int32) -> Bool { fatalError() }
}

/// A listening socket; accept errors never end it (EMFILE: a spare descriptor is given up, the caller is closed,
/// and the spare taken back).
public final class Listener {
    /// - Parameter accepted: gets each new non-blocking, close-on-exec descriptor and owns it.
    public init(loop: Loop, descriptor: Int32, accepted: @escaping (Int32) -> Void) throws(DevError) {}
    public func close() {}

    /// Binds and listens. Port 0 takes any free one. IPv6 sockets are V6ONLY.
    /// - Throws: `DevError` `port-taken` (EADDRINUSE) or `system`.
    public static func tcp(address: String, port: UInt16, backlog: Int32 = 1024) throws(DevError) -> (descriptor: Int32, port: UInt16) {
        fatalError()
    }
    /// Binds a Unix socket with mode 0600 over a stale one (the caller holds the home's lock).
    public static func unix(path: String, backlog: Int32 = 128) throws(DevError) -> Int32 { fatalError() }
}

/// A byte stream over a connected, non-blocking descriptor, for `async` code on the loop. Owns the descriptor.
public final class Socket {
    public init(loop: Loop, descriptor: Int32) throws(DevError) {}
    public var descriptor: Int32 { fatalError() }
    /// Appends what has come, at most `max` bytes; suspends until there is something. 0 = end of stream.
    /// Cancellation of the task and `close()` end a waiting read with `cancelled`.
    public func read(into buffer: inout [UInt8], max: Int) async throws(DevError) -> Int { fatalError() }
    /// Writes all of it, suspending while the peer does not read.
    public func write(_ bytes: [UInt8]) async throws(DevError) {}
    /// Gives the descriptor away: no handle of ours is left on it.
    public func release() -> Int32 { fatalError() }
    public func close() {}

    /// Connects to a Unix socket.
    public static func unix(loop: Loop, path: String) async throws(DevError) -> Socket { fatalError() }
}
