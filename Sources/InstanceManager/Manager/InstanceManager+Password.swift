internal import Basics
internal import Loop
internal import PostgresWire
internal import Registry

/// Whether the password that URLs are printed with is still the owner's: `ALTER ROLE` in the server changes it without us.
extension InstanceManager {
    /// The last comparison; it costs thousands of rounds of SHA-256.
    struct PasswordLook: Sendable {
        var verifier: Secret?
        var password: Secret
        var isOld: Bool
    }

    /// Asks the server, if it is awake. A sleeping one is never woken: what it had when it was stopped is known.
    /// - Parameter quickly: the answer is wanted within milliseconds. A server that nobody has been in since the last look is not
    ///   asked again, and one that is busy is asked next time.
    public func passwordIsOld(_ id: String, quickly: Bool) async -> Bool {
        guard let owner = owners[id] else { return false }
        let (record, server) = await (owner.record, owner.server)
        // A password that was set by us since then is not the one of that look.
        let known = passwordLooks[id].map { $0.isOld && $0.password == record.password } ?? false
        if server == nil {
            guard record.verifierFresh else { return known }
            if let expires = record.verifierExpires, expires <= configuration.wall() { return true }
            return await compare(id, record.password, record.verifier)
        }
        guard let server, let queries = await effects?.queries(of: server) else { return known }
        let isUsed = await owner.sessions > 0 || (inherited[id] ?? 0) > 0
        if quickly, !isUsed, passwordsUntouched.contains(id) { return known }
        // Before the question: who comes in meanwhile may change the answer.
        if !isUsed { passwordsUntouched.insert(id) }
        guard let session = try? await queries.connect(timeout: quickly ? .milliseconds(200) : .seconds(1)) else {
            passwordsUntouched.remove(id)
            return known
        }
        defer { session.close() }
        // An owner that is no superuser may not look. One whose password was taken away gets in with none.
        let verifier: Secret?
        do { verifier = try await ServerQueries.verifier(session) } catch { return known }
        return await compare(id, record.password, verifier)
    }

    private func compare(_ id: String, _ password: Secret, _ verifier: Secret?) async -> Bool {
        if let look = passwordLooks[id], look.verifier == verifier, look.password == password { return look.isOld }
        var isOld = true
        if let verifier, let parsed = PasswordVerifier(verifier.reveal()) {
            let fits = try? await loop.blocking { () throws(DevError) in parsed.matches(password: password.reveal(), user: "postgres") }
            isOld = fits == false
        }
        if owners[id] != nil { passwordLooks[id] = PasswordLook(verifier: verifier, password: password, isOld: isOld) }
        return isOld
    }
}
