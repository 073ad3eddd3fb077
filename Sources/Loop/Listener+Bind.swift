public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Listener {
    /// Binds and listens, unless the process was started with a socket that does. Port 0 takes any free one. IPv6 sockets are V6ONLY.
    /// - Parameter address: numeric, such as `127.0.0.1` or `::1`.
    /// - Throws: `DevError` `port-taken` (EADDRINUSE), `descriptor-limit` or `system`.
    public static func tcp(address: String, port: UInt16, backlog: Int32 = 4096) throws(DevError) -> (descriptor: Int32, port: UInt16) {
        let object = "\(address):\(port)"
        guard var name = InternetAddress(address, port: port) else {
            throw DevError(.system, "\(address) is no IP address", object: object)
        }
        if let descriptor = InheritedListeners.take(name) { return (descriptor, port) }
        let descriptor = devdb_socket(name.family, socketStream)
        guard descriptor >= 0 else { throw posixError("socket", object: object, errno: errno) }
        do throws(DevError) {
            var on: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            // A port whose last connections are in TIME_WAIT is free; one that is listened on is not.
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
            if name.family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size) }
            guard name.with({ bind(descriptor, $0, $1) }) == 0 else { throw posixError("bind", object: object, errno: errno) }
            guard listen(descriptor, backlog) == 0 else { throw posixError("listen", object: object, errno: errno) }
            guard name.read(getsockname, descriptor) else { throw posixError("getsockname", object: object, errno: errno) }
            return (descriptor, name.port)
        } catch {
            Loop.close(descriptor)
            throw error
        }
    }

    /// Binds a Unix socket with mode 0600 over a stale one (the caller holds the home's lock).
    /// - Throws: `DevError`: a path of 108 bytes or more (macOS 104), a folder that can't be written to.
    public static func unix(path: String, backlog: Int32 = 128) throws(DevError) -> Int32 {
        let descriptor = devdb_socket(AF_UNIX, socketStream)
        guard descriptor >= 0 else { throw posixError("socket", object: path, errno: errno) }
        do throws(DevError) {
            guard unlink(path) == 0 || errno == ENOENT else { throw posixError("unlink", object: path, errno: errno) }
            guard devdb_bind_unix(descriptor, path) == 0 else { throw posixError("bind", object: path, errno: errno) }
            guard listen(descriptor, backlog) == 0 else { throw posixError("listen", object: path, errno: errno) }
            return descriptor
        } catch {
            Loop.close(descriptor)
            throw error
        }
    }
}

/// An IPv4 or IPv6 address with its port.
struct InternetAddress: Hashable {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// nil when the text is no numeric address.
    init?(_ text: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr = four
            fill(name)
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_addr = six
            fill(name)
        } else {
            return nil
        }
    }

    /// Where a socket is bound; nil when it is no TCP socket.
    init?(of socket: Int32) {
        guard read(getsockname, socket), family == AF_INET || family == AF_INET6 else { return nil }
    }

    /// Family, port and address: what a socket's name has besides is none of it.
    private var parts: [UInt8] {
        let four = [4..<8], six = [8..<24]
        return withUnsafeBytes(of: storage) { bytes in
            [UInt8(truncatingIfNeeded: family)] + bytes[2..<4] + (family == AF_INET ? four : six).flatMap { bytes[$0] }
        }
    }
    static func == (left: InternetAddress, right: InternetAddress) -> Bool { left.parts == right.parts }
    func hash(into hasher: inout Hasher) { hasher.combine(parts) }

    private mutating func fill<T>(_ name: T) {
        length = socklen_t(MemoryLayout<T>.size)
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: name, as: T.self) }
    }

    var port: UInt16 {
        // At the same place in both.
        withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }

    func with(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, length) }
        }
    }

    mutating func read(
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32, _ descriptor: Int32
    ) -> Bool {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        }
        self.length = length
        return status == 0
    }
}
