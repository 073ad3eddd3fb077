public import Basics
public import InstanceManager
public import Registry

/// What the HTTP side asks of the instances.
public protocol ShimInstances: Sendable {
    /// The record, at once; called on the loop.
    nonisolated func known(_ name: InstanceName) -> InstanceRecord?
    /// Whether the server takes sessions, and is to go on with that; called on the loop.
    nonisolated func isRunning(_ id: String) -> Bool
    /// Wakes the server if it sleeps and waits until it takes sessions.
    func endpoint(_ id: String) async throws(DevError) -> Endpoint
    func shadowDatabase(_ id: String) async throws(DevError) -> String
}

extension InstanceManager: ShimInstances {}
