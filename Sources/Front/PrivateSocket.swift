internal import CPosix

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Calls on a private connection to a server, none of which waits.
enum PrivateSocket {
    /// - Parameter name: what our end is called.
    /// - Returns: nil when the connection can't be had at once.
    static func connect(_ path: String, name: String) -> Int32? {
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = devdb_socket(AF_UNIX, kind)
        guard descriptor >= 0 else { return nil }
        guard devdb_connect_unix(descriptor, path, name, name.utf8.count) == 0 else {
            ClientSocket.close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Sends all of it, and with it a duplicate of a descriptor.
    static func send(_ bytes: [UInt8], passing descriptor: Int32, on link: Int32) -> Bool {
        bytes.withUnsafeBytes { devdb_send_descriptor(link, $0.baseAddress, $0.count, descriptor) } == bytes.count
    }
}
