public import Basics
public import InstanceManager

/// What the front needs of the instances: `InstanceManager`, or a test's own.
public protocol FrontInstances: Sendable {
    /// Facts for a login, at once; nil when the instance is gone.
    func loginFacts(_ id: String) async -> LoginFacts?
    /// Wakes the server if it sleeps and waits until it takes sessions. Clients are held through starting, recovering and
    /// stopping. Cancellation of the task ends the wait.
    func endpoint(_ id: String) async throws(DevError) -> Endpoint
    /// The address of a server that takes sessions now, and its main database; nil: `endpoint` has to be asked, and may wait.
    /// Called on the front's loop.
    nonisolated func awake(_ id: String) -> (endpoint: Endpoint, mainDatabase: String)?
    /// Waits while the server goes down, unless the stop can still be called off. Wakes nothing.
    func stopEnded(_ id: String) async throws(DevError)
    /// What the salts of users are made from that do not exist (`mock_authentication_nonce`); nil when it can't be read.
    func mockNonce(_ id: String) async -> [UInt8]?
    /// The owner's verifier as the cluster has it now; nil: it has no password.
    func ownerVerifier(_ id: String) async throws(DevError) -> Secret?
    /// Makes the shadow database if it is not there; its name.
    func shadowDatabase(_ id: String) async throws(DevError) -> String
    /// A client session began (true) or ended (false). Called on the front's loop.
    nonisolated func sessionChanged(_ id: String, began: Bool)
}

extension InstanceManager: FrontInstances {}
