internal import Basics
internal import Loop

/// A TCP port on both loopback addresses: clients resolve `localhost` to either.
struct LoopbackPort {
    var port: UInt16
    /// One or two listening descriptors, the owner's to close.
    var descriptors: [Int32]

    /// - Parameter port: 0 = any that is free on both.
    /// - Throws: `port-taken` when either address has it already; then nothing is left open.
    static func bind(_ port: UInt16) throws(DevError) -> LoopbackPort {
        var failure: DevError?
        // A free IPv4 port may be taken on IPv6; asking again gives another.
        for _ in 0..<(port == 0 ? 20 : 1) {
            let first = try Listener.tcp(address: "127.0.0.1", port: port)
            do {
                let second = try Listener.tcp(address: "::1", port: first.port)
                return LoopbackPort(port: first.port, descriptors: [first.descriptor, second.descriptor])
            } catch {
                // A machine without IPv6 has no ::1 that anybody could connect to.
                guard error.code == .portTaken else { return LoopbackPort(port: first.port, descriptors: [first.descriptor]) }
                Descriptor.close(first.descriptor)
                failure = error
            }
        }
        throw failure ?? DevError(.portTaken, "Port \(port) is in use", object: String(port))
    }
}

/// Which port the daemon's HTTP side gets.
enum HTTPPorts {
    static let standard: UInt16 = 51_213
    static let firstFree: UInt16 = 51_217

    /// - Parameters:
    ///   - wanted: DEVDB_HTTP_PORT: that port or none at all; 0 = the last one, else any free.
    ///   - last: what it was before, best first, so that URLs stay.
    ///   - claimed: the instances' ports.
    static func bind(wanted: UInt16?, last: [UInt16], claimed: Set<UInt16>) throws(DevError) -> LoopbackPort {
        if let wanted, wanted != 0 {
            do {
                return try LoopbackPort.bind(wanted)
            } catch {
                throw DevError(
                    error.code, "The HTTP port \(wanted) can't be had", object: String(wanted), cause: error.cause ?? error.message,
                    help: "Unset DEVDB_HTTP_PORT, or set it to a free port")
            }
        }
        var candidates = (last + (wanted == nil ? [standard] : [])).filter { !claimed.contains($0) }
        if wanted == nil {
            candidates += (firstFree..<firstFree + 200).filter { !claimed.contains($0) }
        }
        for candidate in candidates {
            if let bound = try attempt(candidate) { return bound }
        }
        return try LoopbackPort.bind(0)
    }

    private static func attempt(_ port: UInt16) throws(DevError) -> LoopbackPort? {
        do {
            return try LoopbackPort.bind(port)
        } catch {
            guard error.code == .portTaken else { throw error }
            return nil
        }
    }
}
