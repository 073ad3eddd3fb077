/// The server's authentication messages (type `R`).
public enum AuthenticationRequest: Sendable, Equatable {
    case ok
    case cleartextPassword
    /// 4 bytes of salt.
    case md5Password(salt: [UInt8])
    /// Mechanisms offered, best first.
    case sasl([WireText])
    case saslContinue([UInt8])
    case saslFinal([UInt8])
    /// One that we do not speak (Kerberos, GSSAPI, SSPI), by its number.
    case other(UInt32, [UInt8])

    var code: UInt32 {
        switch self {
        case .ok: 0
        case .cleartextPassword: 3
        case .md5Password: 5
        case .sasl: 10
        case .saslContinue: 11
        case .saslFinal: 12
        case .other(let code, _): code
        }
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendUInt32(code)
        switch self {
        case .ok, .cleartextPassword: break
        case .md5Password(let data), .saslContinue(let data), .saslFinal(let data), .other(_, let data):
            bytes.append(contentsOf: data)
        case .sasl(let mechanisms):
            for mechanism in mechanisms { bytes.appendCString(mechanism.bytes) }
            bytes.append(0)
        }
    }

    init?(_ cursor: inout ByteCursor) {
        guard let code = cursor.uint32() else { return nil }
        switch code {
        case 0: self = .ok
        case 3: self = .cleartextPassword
        case 5:
            guard let salt = cursor.take(4) else { return nil }
            self = .md5Password(salt: Array(salt))
        case 10:
            var mechanisms: [WireText] = []
            while let name = cursor.cString(), !name.isEmpty { mechanisms.append(WireText(name)) }
            self = .sasl(mechanisms)
        case 11: self = .saslContinue(Array(cursor.rest()))
        case 12: self = .saslFinal(Array(cursor.rest()))
        default: self = .other(code, Array(cursor.rest()))
        }
        guard cursor.isAtEnd else { return nil }
    }
}
