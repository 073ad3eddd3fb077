import Foundation
import PostgresWire
import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

/// A blocking connection, made of this room's messages; it gives up after 10 s of silence.
final class LiveConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0

    init(path: String) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Glibc)
                    Glibc.connect(descriptor, $0, size)
                #else
                    Darwin.connect(descriptor, $0, size)
                #endif
            }
        }
        guard result == 0 else { throw TestFailure("connect: errno \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        #if canImport(Glibc)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        // A server that has refused already may have closed.
        _ = bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, flags) }
    }

    /// Nothing more will be sent: the server answers what it has, then closes.
    func finishSending() {
        #if canImport(Glibc)
            shutdown(descriptor, Int32(SHUT_WR))
        #else
            shutdown(descriptor, SHUT_WR)
        #endif
    }

    /// False at the end of the stream (or a reset, which a refusing server may cause).
    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count < 0, errno == EAGAIN { throw TestFailure("the server is silent") }
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    func byte() throws -> UInt8? {
        while position >= buffer.count { if try !fill() { return nil } }
        defer { position += 1 }
        return buffer[position]
    }

    /// Nil at the end of the stream.
    func message() throws -> BackendMessage? {
        while true {
            switch BackendMessage.read(buffer, from: position) {
            case .message(let message, let end):
                position = end
                return message
            case .bad(let reason): throw TestFailure(reason)
            case .needMore: if try !fill() { return nil }
            }
        }
    }

    /// Logs in as a client does.
    /// - Returns: the error, or nil when the server is ready for queries.
    func logIn(_ packet: StartupPacket, password: String) throws -> ServerMessage? {
        try send(packet.encoded())
        var client = ScramClient(password: password, entropy: (0..<18).map { _ in .random(in: .min ... .max) })
        while let message = try message() {
            switch message {
            case .authentication(.sasl): try send(ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", client.first()))
            case .authentication(.saslContinue(let challenge)): try send(ClientMessage.saslResponse(try client.final(challenge)))
            case .authentication(.saslFinal(let final)): try client.verify(final)
            case .authentication(.md5Password(let salt)):
                let answer = MD5Verifier(password: password, user: packet.user)?.response(salt: salt)
                try send(ClientMessage.password(answer ?? ""))
            case .error(let error): return error
            case .readyForQuery: return nil
            default: break
            }
        }
        throw TestFailure("the server closed without a word")
    }

    /// The first column of each row.
    func query(_ sql: String) throws -> [String] {
        try send(ClientMessage.query(sql))
        var rows: [String] = []
        while let message = try message() {
            switch message {
            case .other(UInt8(ascii: "D"), let row): rows.append(String(decoding: row.dropFirst(6), as: UTF8.self))
            case .error(let error): throw error
            case .readyForQuery: return rows
            default: break
            }
        }
        throw TestFailure("the server closed during a query")
    }
}
