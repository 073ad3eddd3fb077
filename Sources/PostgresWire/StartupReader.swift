/// What a client may say before the protocol's typed messages begin.
public enum StartupRequest: Sendable, Equatable {
    /// Answer one byte: `S` or `N`.
    case ssl
    /// Answer one byte: `G` or `N`.
    case gssEncryption
    /// A TLS ClientHello without SSLRequest (PostgreSQL 17's `sslnegotiation=direct`). Nothing is consumed.
    case directTLS
    case cancel(CancelRequest)
    case startup(StartupPacket)
}

/// Why a client is sent away before it has logged in.
public enum StartupRefusal: Error, Sendable, Equatable {
    /// PostgreSQL logs this and closes without a word.
    case silent(String)
    /// Send this, then close.
    case fatal(ServerMessage)
    /// Another protocol than 3.
    case unsupportedProtocol(major: UInt16, minor: UInt16)

    /// The bytes to send before closing; empty for a silent refusal.
    /// - Parameter newestMinor: of protocol 3, that the server speaks.
    public func reply(newestMinor: UInt16) -> [UInt8] {
        switch self {
        case .silent: return []
        case .fatal(let message): return message.encoded()
        case .unsupportedProtocol(let major, let minor):
            let message = ServerMessage.unsupportedProtocol(major: major, minor: minor, newestMinor: newestMinor)
            // Who speaks protocol 2 or an older one reads another form; 0.0 is nobody's.
            return major < 3 && (major, minor) != (0, 0) ? message.encodedForProtocol2() : message.encoded()
        }
    }
}

/// Reads the start-up phase of one connection, in the order and with the limits of PostgreSQL's
/// `ProcessStartupPacket` (src/backend/postmaster/postmaster.c, from 17 on src/backend/tcop/backend_startup.c).
///
/// Whether more came with a request for an upgrade, which PostgreSQL refuses (08P01), is for the caller to see.
public struct StartupReader: Sendable {
    /// Greatest value of a packet's length word: MAX_STARTUP_PACKET_LENGTH (10,000) and the word itself.
    public static let maximumLength = 10_004

    public enum Step: Sendable, Equatable {
        case needMore
        /// `end`: index behind the packet.
        case request(StartupRequest, end: Int)
        case refused(StartupRefusal)
    }

    static let sslCode: UInt32 = 80_877_103
    static let gssCode: UInt32 = 80_877_104

    private var sslSeen = false
    private var gssSeen = false

    public init() {}

    /// Looks at the packet that begins at `start`; call again with the same start when more bytes have come.
    public mutating func next(_ bytes: [UInt8], from start: Int = 0) -> Step {
        guard start >= 0, start < bytes.count else { return .needMore }
        // Lengths below 16 MB begin with 0, a TLS record with 0x16 (neon's and PostgreSQL 17's test).
        if bytes[start] == 0x16, !sslSeen, !gssSeen { return .request(.directTLS, end: start) }
        var cursor = ByteCursor(bytes[start...])
        guard let word = cursor.int32() else { return .needMore }
        let length = Int(word)
        guard length >= 8, length <= Self.maximumLength else { return .refused(.silent("invalid length of startup packet")) }
        guard bytes.count - start >= length else { return .needMore }
        let end = start + length
        var body = ByteCursor(bytes[cursor.position..<end])
        guard let code = body.uint32() else { return .refused(.silent("invalid length of startup packet")) }
        switch code {
        case CancelRequest.code:
            guard let cancel = CancelRequest(&body) else { return .refused(.silent("invalid length of cancel request packet")) }
            return .request(.cancel(cancel), end: end)
        case Self.sslCode where !sslSeen:
            sslSeen = true
            return .request(.ssl, end: end)
        case Self.gssCode where !gssSeen:
            gssSeen = true
            return .request(.gssEncryption, end: end)
        default:
            do throws(StartupRefusal) {
                return .request(.startup(try StartupPacket(version: code, &body)), end: end)
            } catch {
                return .refused(error)
            }
        }
    }
}
