public import Basics
internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Socket {
    /// Connects to a Unix socket.
    /// - Parameter name: binds our end to it first: on Linux a name in the abstract namespace, without the leading zero
    ///   byte, at most 107 bytes; elsewhere a path, which the caller removes.
    /// - Throws: `DevError` `system` (nobody listens), `cancelled`; `timed-out` when the listener's queue stays full for 5 s.
    public static func unix(loop: Loop, path: String, name: String? = nil) async throws(DevError) -> Socket {
        // A full queue is EAGAIN, and nothing tells when it has room.
        var pause = Duration.milliseconds(1)
        let deadline = ContinuousClock().now + .seconds(5)
        while true {
            let socket = try make(loop: loop, family: AF_UNIX, object: path)
            let length = name?.utf8.count ?? 0
            if devdb_connect_unix(socket.descriptor, path, name, length) == 0 { return socket }
            let number = errno
            socket.close()
            guard number == EAGAIN else { throw posixError("connect", object: path, errno: number) }
            guard ContinuousClock().now < deadline else {
                throw DevError(.timedOut, "\(path) takes no more connections", object: path)
            }
            do { try await loop.clock.sleep(for: pause) } catch { throw Loop.ended }
            pause = min(pause * 2, .milliseconds(64))
        }
    }

    /// Connects to a numeric address over TCP.
    /// - Throws: `DevError` `system` (refused, unreachable), `cancelled`.
    public static func tcp(loop: Loop, address: String, port: UInt16) async throws(DevError) -> Socket {
        let object = "\(address):\(port)"
        guard let name = InternetAddress(address, port: port) else {
            throw DevError(.system, "\(address) is no IP address", object: object)
        }
        let socket = try make(loop: loop, family: name.family, object: object)
        if name.with({ connect(socket.descriptor, $0, $1) }) == 0 { return socket }
        guard errno == EINPROGRESS || errno == EINTR else { throw posixError("connect", object: object, errno: errno) }
        try await socket.connected()
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
        guard number == 0 else { throw posixError("connect", object: object, errno: number) }
        return socket
    }

    /// Two connected sockets.
    public static func pair(loop: Loop) throws(DevError) -> (Socket, Socket) {
        var pair: [Int32] = [-1, -1]
        guard devdb_socketpair(&pair) == 0 else { throw posixError("socketpair", object: "a socket pair", errno: errno) }
        return (Socket(loop: loop, socket: pair[0]), Socket(loop: loop, socket: pair[1]))
    }

    private static func make(loop: Loop, family: Int32, object: String) throws(DevError) -> Socket {
        let descriptor = devdb_socket(family, socketStream)
        guard descriptor >= 0 else { throw posixError("socket", object: object, errno: errno) }
        return Socket(loop: loop, socket: descriptor)
    }
}
