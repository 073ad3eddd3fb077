internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

// What starting a daemon needs of the system, one small thing each.

#if canImport(Darwin)
    struct SpawnFileActions { var value: posix_spawn_file_actions_t? }
    struct SpawnAttributes { var value: posix_spawnattr_t? }
    let newSession = Int16(POSIX_SPAWN_SETSID)
#else
    struct SpawnFileActions { var value = posix_spawn_file_actions_t() }
    struct SpawnAttributes { var value = posix_spawnattr_t() }
    /// POSIX_SPAWN_SETSID, a GNU extension that the Glibc module hides; the number is ABI (glibc and musl).
    let newSession: Int16 = 0x80
#endif

enum Monotonic {
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

enum CStrings {
    /// Calls `body` with a null-terminated list of C strings.
    static func with<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// Descriptors that were open before us, kept from one child.
enum Inheritance {
    /// - Returns: the descriptors above 2 that an `exec` keeps. The child closes them itself: to mark them here would, for a moment,
    ///   be a mark for every other thread and child too.
    static func kept() -> [Int32] {
        // Nobody hands down numbers above this on purpose; asking is 0.1 µs each.
        (3..<256).filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return flags >= 0 && flags & FD_CLOEXEC == 0
        }
    }
}

/// Held while a daemon is started or replaced: so two `dev`s start one.
struct StartLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for its turn. Without a home that can be written there is no lock: the daemon will say what is wrong.
    init(_ layout: HomeLayout) {
        StartLock.makeHome(layout.root)
        descriptor = open(ControlProtocol.startLock(layout), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { _ = retrying { flock(descriptor, LOCK_EX) } }
    }
    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Somebody starts or replaces a daemon.
    static func isHeld(_ layout: HomeLayout) -> Bool {
        let descriptor = open(ControlProtocol.startLock(layout), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return retrying { flock(descriptor, LOCK_SH | LOCK_NB) } != 0 && errno == EWOULDBLOCK
    }

    /// The modes are the daemon's (plan of the home in `HomeLayout`): under root the servers' user passes through.
    private static func makeHome(_ root: String) {
        guard access(root, F_OK) != 0 else { return }
        for index in root.indices.dropFirst() where root[index] == "/" { mkdir(String(root[..<index]), 0o755) }
        let isRoot = geteuid() == 0
        guard mkdir(root, 0o700) == 0 else { return }
        if isRoot { chmod(root, 0o711) }
    }
}

enum HomeLock {
    /// A daemon lives in this home: it holds the lock as long as it lives.
    static func isHeld(_ layout: HomeLayout) -> Bool {
        let descriptor = open(layout.lockFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return retrying { flock(descriptor, LOCK_SH | LOCK_NB) } != 0 && errno == EWOULDBLOCK
    }

    /// The pid in the lock file: of who took it last.
    private static func holder(_ layout: HomeLayout) -> [UInt8] {
        let descriptor = open(layout.lockFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = retrying { read(descriptor, &bytes, bytes.count) }
        return Array(bytes.prefix(max(count, 0)))
    }

    static func pid(_ layout: HomeLayout) -> Int32? {
        Int32(String(decoding: holder(layout).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }

    /// A process that is being killed lets go of its sockets and its lock one by one: until the last, it may seem to listen,
    /// and another daemon can't start. There is no event for it; asked every millisecond, 2 s at most, since one that merely
    /// closed a connection may live on.
    static func waitForDying(_ layout: HomeLayout) {
        let dying = holder(layout)
        let deadline = Monotonic.seconds + 2
        while isHeld(layout), holder(layout) == dying, Monotonic.seconds < deadline { usleep(1_000) }
    }
}

/// The daemon's log, to tell its last line when it did not start.
struct DaemonLog {
    private let path: String
    private let size: Int

    init(_ path: String) {
        self.path = path
        var facts = stat()
        size = stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// The last line that was written since this value was made.
    var lastNewLine: String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        // Rotated meanwhile: all of it is new.
        let start = end < size ? 0 : off_t(size)
        let from = max(start, end - 8192)
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = retrying { pread(descriptor, &buffer, buffer.count, from) }
        guard count > 0 else { return nil }
        let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
        return lines.last { !$0.allSatisfy(\.isWhitespace) }.map(String.init)
    }
}
