internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Calls on a client's TCP socket.
enum ClientSocket {
    /// For a listener, which hands it down to those whom it accepts: what PostgreSQL sets on its own TCP connections; on ours
    /// it sees a Unix socket and does not. On Linux a client is shown when it has said something, or after a second or
    /// three: that spares a look at one who has only just connected.
    static func prepare(_ descriptor: Int32) {
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, size)
        #if os(Linux)
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, &on, size)
        #endif
    }

    /// Says something and closes.
    static func refuse(_ descriptor: Int32, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { devdb_send(descriptor, $0.baseAddress, $0.count) }
        end(descriptor)
    }

    /// Closes without losing what was said last: a socket with unread bytes is reset, and the client may then not see it.
    static func end(_ descriptor: Int32) {
        shutdown(descriptor, Int32(SHUT_WR))
        var scratch: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &scratch) { buffer in
            // Bounded: who goes on sending is reset.
            for _ in 0..<1_024 where recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) <= 0 { break }
        }
        close(descriptor)
    }

    static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
            _ = Darwin.close(descriptor)
        #else
            _ = Glibc.close(descriptor)
        #endif
    }

    /// Open files that this process may have.
    static var descriptorLimit: Int32 {
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        return Int32(clamping: limit.rlim_cur)
    }
}
