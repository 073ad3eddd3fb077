internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Listening sockets that the process was started with, by the daemon before it: `Listener.tcp` takes one of these when it has
/// the address, and with it those who wait in its queue. The process's descriptors are one table, and so is this.
public enum InheritedListeners {
    private final class Table: Sendable {
        private let lock = Lock()
        nonisolated(unsafe) private var sockets: [InternetAddress: Int32] = [:]  // protected by `lock`

        func put(_ address: InternetAddress, _ descriptor: Int32) -> Int32? {
            lock.withLock { sockets.updateValue(descriptor, forKey: address) }
        }
        func take(_ address: InternetAddress) -> Int32? { lock.withLock { sockets.removeValue(forKey: address) } }
        func takeAll() -> [Int32] {
            lock.withLock {
                defer { sockets = [:] }
                return Array(sockets.values)
            }
        }
    }
    private static let table = Table()

    /// Takes in what is a listening TCP socket of these descriptors; others are left alone. Before there are threads and children.
    public static func adopt(_ descriptors: some Sequence<Int32>) {
        for descriptor in descriptors {
            var (listens, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0, listens != 0,
                let address = InternetAddress(of: descriptor), fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
            else { continue }
            if let other = table.put(address, descriptor) { Loop.close(other) }
        }
    }

    static func take(_ address: InternetAddress) -> Int32? { table.take(address) }

    /// What nobody wanted: its port is free then.
    public static func closeRest() { for descriptor in table.takeAll() { Loop.close(descriptor) } }
}
