internal import Basics
internal import CPosix
internal import DevAPI
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Listening sockets on their way from a daemon that leaves to the next one. As long as somebody has them open, whoever connects
/// waits in their queues for the next daemon, instead of being refused. This is the next one's end; it comes before its loop.
final class Handover {
    /// Where the leaving daemon sends them.
    let path: String
    private let listener: Int32
    private var connection: Int32 = -1
    private var descriptors: [Int32] = []

    /// Sends the daemon that runs away, if one does, and takes in what it listened on.
    /// - Throws: when it does not answer or does not leave.
    static func take(_ layout: HomeLayout) throws(DevError) {
        let handover = Handover(layout)
        let client = ControlClient(layout: layout)
        _ = try client.shutdown(stopServers: false, handover: handover?.path) {
            if let handover { handover.step(milliseconds: 5) } else { usleep(5_000) }
        }
        guard let handover else { return }
        while handover.step(milliseconds: 0) {}
        InheritedListeners.adopt(handover.descriptors)
        handover.descriptors = []
    }

    /// nil where it can't be had: there is a gap between the daemons then, no more.
    init?(_ layout: HomeLayout) {
        path = "\(layout.sockets)/next-\(getpid()).sock"
        listener = devdb_socket(AF_UNIX, streamType)
        guard listener >= 0 else { return nil }
        unlink(path)
        guard devdb_bind_unix(listener, path) == 0, listen(listener, 1) == 0 else {
            close(listener)
            return nil
        }
    }

    deinit {
        for descriptor in descriptors + [connection, listener] where descriptor >= 0 { close(descriptor) }
        unlink(path)
    }

    /// Waits so long for the daemon, and takes one more from it. - Returns: whether there may be another.
    @discardableResult func step(milliseconds: Int32) -> Bool {
        var waited = [pollfd(fd: connection >= 0 ? connection : listener, events: Int16(POLLIN), revents: 0)]
        guard poll(&waited, 1, milliseconds) > 0 else { return false }
        guard connection >= 0 else {
            var port: UInt16 = 0
            connection = devdb_accept(listener, &port)
            return connection >= 0
        }
        var byte: UInt8 = 0
        var passed: Int32 = -1
        let count = devdb_receive_descriptor(connection, &byte, 1, &passed)
        if passed >= 0 { descriptors.append(passed) }
        // All have come: the rest of the waiting is for the daemon's end.
        if count <= 0 { _ = poll(nil, 0, milliseconds) }
        return count > 0
    }

    #if canImport(Darwin)
        private let streamType = SOCK_STREAM
    #else
        private let streamType = Int32(SOCK_STREAM.rawValue)
    #endif
}
