internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A blocking connection to a Unix socket; closed when it goes out of scope.
struct LocalSocket: ~Copyable {
    private let descriptor: Int32

    enum Opened: ~Copyable {
        case connected(LocalSocket)
        /// Nobody listens: no file, or the file of a daemon that died.
        case nobody
        case failed(Int32)
    }

    /// - Parameter seconds: how long to wait for a place among those that a stuck listener has not taken yet; EAGAIN then.
    static func connect(_ path: String, seconds: Double = 20) -> Opened {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room, !bytes.contains(0) else { return .failed(ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        #if canImport(Darwin)
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
            var on: Int32 = 1
            if descriptor >= 0 { setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size)) }
        #else
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return .failed(errno) }
        // Neither devd nor what `dev run` becomes may inherit it.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let made = LocalSocket(descriptor: descriptor)
        var patience = timeval()
        patience.tv_sec = .init(seconds)
        patience.tv_usec = .init((seconds - seconds.rounded(.down)) * 1e6)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                retrying { connectCall(descriptor, generic, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
        }
        if result == 0 { return .connected(made) }
        let reason = errno
        return reason == ENOENT || reason == ECONNREFUSED || reason == ENOTDIR ? .nobody : .failed(reason)
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// - Returns: 0, or the error's number.
    func write(_ bytes: [UInt8]) -> Int32 {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            // Not SIGPIPE ignored for the process: `dev logs | head` is to end quietly by it.
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                retrying { send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, flags) }
            }
            guard count >= 0 else { return errno }
            sent += count
        }
        return 0
    }

    enum Received {
        case bytes([UInt8])
        case end
        case failed(Int32)
        case nothingYet
        case interrupted
    }

    /// - Parameters:
    ///   - milliseconds: how long to wait at most; -1 for ever.
    ///   - interrupt: a descriptor that ends the wait when it can be read; -1 for none.
    ///   - output: one that ends it when nobody can read there any more.
    func read(milliseconds: Int32, interrupt: Int32 = -1, output: Int32 = -1) -> Received {
        // Negative descriptors are left out.
        var waited = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output, events: 0, revents: 0),
        ]
        let ready = poll(&waited, 3, milliseconds)
        if ready == 0 || (ready < 0 && errno == EINTR) { return .nothingYet }
        guard ready > 0 else { return .failed(errno) }
        if waited[1].revents != 0 || waited[2].revents & Int16(POLLERR | POLLHUP) != 0 { return .interrupted }
        // Such as a standard output that is closed: not worth another word.
        if waited[0].revents == 0 { return .nothingYet }
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = retrying { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
            if count < 0 { count = 0 } else if count == 0 { errno = 0 } else { errno = EAGAIN }
        }
        if !bytes.isEmpty { return .bytes(bytes) }
        return errno == 0 ? .end : .failed(errno)
    }
}

/// Again as long as a signal interrupts it.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

// `LocalSocket.connect` hides the system call of that name.
private func connectCall(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}

/// The system's words for an error number.
func systemText(_ number: Int32) -> String { String(cString: strerror(number)) }
