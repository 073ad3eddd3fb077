import Foundation
import TestSupport

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A socket to 127.0.0.1 that sends what it likes. What waits blocks: call it on a thread of its own.
final class RawClient: Sendable {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = FreePort.socket()
        guard descriptor >= 0 else { throw TestFailure("socket: \(String(cString: strerror(errno)))") }
        var address = FreePort.address(port)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            let reason = String(cString: strerror(errno))
            close()
            throw TestFailure("connect to \(port): \(reason)")
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// So many that have connected.
    static func crowd(_ count: Int, port: UInt16) throws -> [RawClient] {
        var limit = rlimit()
        getrlimit(Self.descriptors, &limit)
        if limit.rlim_cur < rlim_t(count + 1000) {
            limit.rlim_cur = min(limit.rlim_max, rlim_t(count + 1000))
            setrlimit(Self.descriptors, &limit)
        }
        return try (0..<count).map { _ in try RawClient(port: port) }
    }

    #if canImport(Darwin)
        private static let descriptors = RLIMIT_NOFILE
    #else
        private static let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif

    /// As much as the other end takes; it may have closed.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { devSend(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Each byte in a segment of its own.
    func sendApart(_ bytes: [UInt8]) { for byte in bytes { send([byte]) } }

    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What has come first, as far as it is text.
    func some(seconds: Int) throws -> String {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, Int32(seconds) * 1000) > 0 else { throw TestFailure("no answer in \(seconds) seconds") }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    /// All that comes until the other end closes.
    func untilClosed(seconds: Int) throws -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let deadline = time(nil) + seconds
        while true {
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard time(nil) <= deadline, poll(&waited, 1, 1000) >= 0 else { throw TestFailure("not closed within \(seconds) seconds") }
            guard waited.revents != 0 else { continue }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }

    func close() { closeDescriptor(descriptor) }
}

private func devSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
        send(descriptor, bytes, count, 0)
    #else
        send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #endif
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
