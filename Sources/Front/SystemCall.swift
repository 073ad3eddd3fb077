internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The front's system calls on sockets that never wait, under names of their own.
enum SystemCall {
    @inline(__always)
    static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int { recv(descriptor, buffer, count, 0) }

    @inline(__always)
    static func send(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        devdb_send(descriptor, buffer, count)
    }

    static func endWriting(_ descriptor: Int32) { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Whether the last call's error says "later".
    static var isTemporary: Bool { errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK }
}
