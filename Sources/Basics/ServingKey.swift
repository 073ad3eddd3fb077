/// What `dev config` and `dev.toml` can set of an instance's HTTP side: the hosted service's limits, and trouble on purpose.
public enum ServingKey: String, CaseIterable, Sendable {
    case failing = "chaos.fail"
    case latency = "chaos.latency"
    case connections = "limits.connections"
    case queryTimeout = "limits.queryTimeout"
    case requestsPerSecond = "limits.requestsPerSecond"
    case responseSize = "limits.responseSize"
    case transactionDuration = "limits.transactionDuration"

    /// As people write them, in alphabetical order.
    public static let names = allCases.map(\.rawValue)
}
