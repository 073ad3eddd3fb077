/// The whole login of one client, as PostgreSQL's `md5` method does it: SCRAM for a SCRAM verifier and for users
/// that do not exist, MD5 for an MD5 verifier. A value: bytes in, actions out.
///
/// Send `greeting`, feed what comes to `receive`, do as it says. After `accepted` the server itself sends
/// AuthenticationOk and all that follows.
public struct LoginExchange: Sendable {
    public enum Action: Sendable, Equatable {
        case needMore
        /// Send, and go on reading behind `end`.
        case send([UInt8], end: Int)
        /// Logged in: send this (SASL's final message, or nothing); what lies behind `end` is for the server.
        case accepted(send: [UInt8], end: Int)
        /// Send this error and close.
        case refused(send: [UInt8])
    }

    private enum Method: Sendable {
        case scram(ScramServer, begun: Bool)
        case md5(MD5Verifier, salt: [UInt8])
    }

    /// PG_MAX_SASL_MESSAGE_LENGTH and PG_MAX_AUTH_TOKEN_LENGTH of PostgreSQL.
    private static let saslLimit = 1024
    private static let passwordLimit = 65_535

    private let user: WireText
    private var method: Method

    /// - Parameters:
    ///   - user: the start-up packet's.
    ///   - verifier: nil for a user that does not exist or has no password: plays through and refuses.
    ///   - mockSecret: per instance, kept across restarts of the daemon, so that a fake salt does not change.
    ///   - entropy: 18 random bytes, new for each login.
    public init(user: WireText, verifier: PasswordVerifier?, mockSecret: [UInt8], entropy: [UInt8]) {
        self.user = user
        switch verifier {
        case .scram(let verifier): method = .scram(ScramServer(verifier: verifier, entropy: entropy), begun: false)
        case .md5(let verifier): method = .md5(verifier, salt: Array((entropy + [0, 0, 0, 0]).prefix(4)))
        case nil: method = .scram(ScramServer(mockUser: user.name, secret: mockSecret, entropy: entropy), begun: false)
        }
    }

    /// AuthenticationSASL or AuthenticationMD5Password.
    public var greeting: [UInt8] {
        switch method {
        case .scram: BackendMessage.authentication(.sasl([ScramVerifier.mechanism])).encoded()
        case .md5(_, let salt): BackendMessage.authentication(.md5Password(salt: salt)).encoded()
        }
    }

    /// Looks at the message that begins at `start`; call again with the same start when more bytes have come.
    public mutating func receive(_ bytes: [UInt8], from start: Int = 0) -> Action {
        guard start >= 0, start < bytes.count else { return .needMore }
        // The type is judged before the length has come, as PostgreSQL does.
        guard bytes[start] == UInt8(ascii: "p") else {
            return switch method {
            case .scram: refuse(.expectedSASLResponse(got: bytes[start]))
            case .md5: refuse(.expectedPasswordResponse(got: bytes[start]))
            }
        }
        let limit =
            switch method {
            case .scram: Self.saslLimit
            case .md5: Self.passwordLimit
            }
        switch MessageFrame.read(bytes, from: start, limit: limit) {
        case .needMore: return .needMore
        case .badLength: return refuse(.wrongPassword(user: user))
        case .message(let frame): return read(bytes[frame.body], end: frame.end)
        }
    }

    private func refuse(_ message: ServerMessage) -> Action { .refused(send: message.encoded()) }

    private mutating func read(_ body: ArraySlice<UInt8>, end: Int) -> Action {
        switch method {
        case .md5(let verifier, let salt):
            guard body.last == 0, body.firstIndex(of: 0) == body.endIndex - 1 else { return refuse(.invalidPasswordPacket) }
            guard body.count > 1 else { return refuse(.emptyPassword) }
            guard verifier.accepts(WireText(body.dropLast()), salt: salt) else { return refuse(.wrongPassword(user: user)) }
            return .accepted(send: [], end: end)
        case .scram(var server, let begun):
            let data: [UInt8]?
            if begun {
                data = Array(body)
            } else {
                do throws(ServerMessage) {
                    data = try Self.initialResponse(body)
                } catch {
                    return refuse(error)
                }
            }
            let step = server.receive(data)
            method = .scram(server, begun: true)
            switch step {
            case .challenge(let challenge):
                return .send(BackendMessage.authentication(.saslContinue(challenge)).encoded(), end: end)
            case .proved(let final):
                return .accepted(send: BackendMessage.authentication(.saslFinal(final)).encoded(), end: end)
            case .wrongPassword: return refuse(.wrongPassword(user: user))
            case .violation(let message): return refuse(message)
            }
        }
    }

    /// SASLInitialResponse: mechanism, length or -1, data.
    private static func initialResponse(_ body: ArraySlice<UInt8>) throws(ServerMessage) -> [UInt8]? {
        var cursor = ByteCursor(body)
        guard let mechanism = cursor.cString() else { throw .invalidString }
        // PostgreSQL judges the mechanism before it looks at the rest.
        guard WireText(mechanism) == ScramVerifier.mechanism else { throw .invalidMechanism }
        guard let length = cursor.int32() else { throw .insufficientData }
        guard length != -1 else {
            guard cursor.isAtEnd else { throw .invalidFormat }
            return nil
        }
        guard let data = cursor.take(Int(length)) else { throw .insufficientData }
        guard cursor.isAtEnd else { throw .invalidFormat }
        return Array(data)
    }
}
