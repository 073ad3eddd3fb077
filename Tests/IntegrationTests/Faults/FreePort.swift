import Foundation
import TestSupport

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A stranger's listening socket, on 127.0.0.1.
final class Stranger: Sendable {
    let port: UInt16
    private let descriptor: Int32

    /// - Parameter port: 0 = any.
    init(port: UInt16) throws {
        let descriptor = FreePort.socket()
        guard descriptor >= 0 else { throw TestFailure("socket: \(errno)") }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard FreePort.bind(descriptor, port), listen(descriptor, 16) == 0 else {
            close(descriptor)
            throw TestFailure("port \(port) can't be had: \(errno)")
        }
        self.descriptor = descriptor
        self.port = port
    }

    func leave() { close(descriptor) }
}

enum FreePort {
    /// No child must have it: a port would stay taken.
    static func socket() -> Int32 {
        #if canImport(Darwin)
            let descriptor = Darwin.socket(AF_INET, SOCK_STREAM, 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        #else
            return Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #endif
    }

    /// Given to one test of this process only; below those that the kernel gives by itself.
    static func find() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 20_000..<32_000)
            if given.insert(port), isFree(port) { return port }
        }
        throw TestFailure("no free port")
    }

    private static let given = Given()

    /// The lock protects `ports`.
    private final class Given: @unchecked Sendable {
        private let lock = NSLock()
        private var ports: Set<UInt16> = []
        func insert(_ port: UInt16) -> Bool {
            lock.lock()
            defer { lock.unlock() }
            return ports.insert(port).inserted
        }
    }

    static func isFree(_ port: UInt16) -> Bool {
        guard let stranger = try? Stranger(port: port) else { return false }
        stranger.leave()
        return true
    }

    static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    static func bind(_ descriptor: Int32, _ port: UInt16) -> Bool {
        var address = address(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Darwin)
                    Darwin.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                #else
                    Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                #endif
            }
        }
    }
}
