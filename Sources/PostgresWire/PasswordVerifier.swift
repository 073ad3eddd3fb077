/// What `pg_authid.rolpassword` holds for a role that can log in by password.
public enum PasswordVerifier: Sendable, Equatable {
    case scram(ScramVerifier)
    case md5(MD5Verifier)

    /// - Returns: nil for what is neither form.
    public init?(_ text: String) {
        if let verifier = ScramVerifier(text) {
            self = .scram(verifier)
        } else if let verifier = MD5Verifier(text) {
            self = .md5(verifier)
        } else {
            return nil
        }
    }

    /// Whether this password would be accepted. It blocks for SCRAM's iterations.
    public func matches(password: String, user: WireText) -> Bool {
        switch self {
        case .scram(let verifier): verifier.matches(password: password)
        case .md5(let verifier): MD5Verifier(password: password, user: user) == verifier
        }
    }
}
