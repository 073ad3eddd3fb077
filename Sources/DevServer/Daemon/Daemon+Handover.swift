internal import Basics
internal import CPosix
internal import Front
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Daemon {
    /// A server that takes longer (a long recovery) is adopted by the next daemon, but who waits for it is sent away.
    static let longestStart: Duration = .seconds(60)

    /// Sends all listening sockets to the next daemon: who connects from here on waits in their queues. Those who have been
    /// accepted are still ours to bring to their servers.
    func handOver(to path: String) async {
        var descriptors = await front?.listening ?? []
        descriptors += await sites?.listening ?? []
        descriptors += await site?.listening ?? []
        do throws(DevError) {
            try await loop.blocking { [descriptors] () throws(DevError) in try HandoverSocket.send(descriptors, to: path) }
            log.info("handed over", ["listeners": descriptors.count])
        } catch {
            log.warning("not handed over", ["error": error])
        }
        await front?.drain(within: .seconds(2), start: Self.longestStart)
    }
}

/// The leaving daemon's end. Blocks, 2 s at most for each step.
enum HandoverSocket {
    static func send(_ descriptors: [Int32], to path: String) throws(DevError) {
        #if canImport(Darwin)
            let socket = devdb_socket(AF_UNIX, SOCK_STREAM)
        #else
            let socket = devdb_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue))
        #endif
        guard socket >= 0 else { throw posixError("socket", object: path, errno: errno) }
        defer { Descriptor.close(socket) }
        guard devdb_connect_unix(socket, path, nil, 0) == 0 else { throw posixError("connect", object: path, errno: errno) }
        for descriptor in descriptors {
            var byte: UInt8 = 0
            while devdb_send_descriptor(socket, &byte, 1, descriptor) < 0 {
                var waited = [pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)]
                guard errno == EINTR || errno == EAGAIN, poll(&waited, 1, 2000) > 0 else {
                    throw posixError("send", object: path, errno: errno)
                }
            }
        }
    }
}
