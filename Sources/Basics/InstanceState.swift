/// The states of an instance as people and registry see them (design §4). The machine in `InstanceManager`
/// has the same states with what belongs to each; this is the one list of their names.
public enum InstanceState: String, Sendable, Codable, CaseIterable {
    case absent, creating, stopped, starting, running, frozen, recovering, stopping, deleting, broken
}
