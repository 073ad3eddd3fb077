import Foundation
import PostgresWire
import TestSupport

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A client that says exactly what a test wants. Blocks, with a bound: use it inside `onOwnThread`.
final class RawClient {
    let descriptor: Int32
    private var pending: [UInt8] = []

    init(port: UInt16, seconds: Int = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: \(errno)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var wait = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw TestFailure("connect: \(errno)")
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestFailure("send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// - Returns: nil at the end of the stream. A reset counts as one.
    func receive(_ max: Int = 65_536) throws -> [UInt8]? {
        if !pending.isEmpty {
            defer { pending = [] }
            return pending
        }
        var chunk = [UInt8](repeating: 0, count: max)
        let count = recv(descriptor, &chunk, max, 0)
        if count == 0 || (count < 0 && errno == ECONNRESET) { return nil }
        guard count > 0 else { throw TestFailure("recv: \(String(cString: strerror(errno)))") }
        return Array(chunk[..<count])
    }

    /// All until the end.
    func drain() throws -> [UInt8] {
        var all: [UInt8] = []
        while let chunk = try receive() { all += chunk }
        return all
    }

    /// The next message; nil at the end.
    func message() throws -> BackendMessage? {
        var gathered = pending
        pending = []
        while true {
            switch BackendMessage.read(gathered, limit: 1 << 24) {
            case .message(let message, let end):
                pending = Array(gathered[end...])
                return message
            case .bad(let reason): throw TestFailure(reason)
            case .needMore:
                guard let chunk = try receive() else {
                    guard gathered.isEmpty else { throw TestFailure("ended in the middle of \(gathered)") }
                    return nil
                }
                gathered += chunk
            }
        }
    }

    /// Logs in with a password, whatever the server asks for.
    /// - Returns: the messages up to ReadyForQuery or the error.
    @discardableResult
    func login(_ packet: StartupPacket, password: String, sendStartup: Bool = true) throws -> [BackendMessage] {
        if sendStartup { try send(packet.encoded()) }
        var scram = ScramClient(password: password, entropy: Array(repeating: 7, count: 18))
        var all: [BackendMessage] = []
        while let message = try message() {
            all.append(message)
            switch message {
            case .authentication(.sasl):
                try send(ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", scram.first()))
            case .authentication(.saslContinue(let challenge)): try send(ClientMessage.saslResponse(try scram.final(challenge)))
            case .authentication(.saslFinal(let final)): try scram.verify(final)
            case .readyForQuery, .error: return all
            default: break
            }
        }
        return all
    }

    /// - Returns: the messages up to ReadyForQuery, or to the end.
    func query(_ sql: String) throws -> [BackendMessage] {
        try send(ClientMessage.query(sql))
        var all: [BackendMessage] = []
        while let message = try message() {
            all.append(message)
            if case .readyForQuery = message { break }
        }
        return all
    }
}

extension [BackendMessage] {
    /// The first error.
    var failure: ServerMessage? {
        for case .error(let message) in self { return message }
        return nil
    }
    var isReady: Bool { contains(.readyForQuery(.idle)) }
}
