public import Basics
public import InstanceManager

/// What the HTTP side asks of the instances.
public protocol ShimInstances: Sendable {
    func status(_ name: InstanceName) async -> InstanceStatus?
    /// Wakes the server if it sleeps and waits until it takes sessions.
    func endpoint(_ id: String) async throws(DevError) -> Endpoint
    func shadowDatabase(_ id: String) async throws(DevError) -> String
}

extension InstanceManager: ShimInstances {}
