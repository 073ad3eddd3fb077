internal import Basics
internal import Registry

/// How a daemon begins with an instance that an earlier one left: from the process table first, then from the intents.
struct Beginning {
    var state: InstanceMachine.State
    /// A stop was begun: it is finished.
    var stopping: Bool
    var verifierFresh: Bool

    /// - Parameters:
    ///   - lives: its server was found by three agreeing proofs.
    ///   - intents: what was under way for it; creations, removals and restores are settled before.
    static func of(_ record: InstanceRecord, lives: Bool, intents: [IntentRecord.Kind]) -> Beginning {
        // What was begun or ended while the last daemon died can't be vouched for.
        let fresh = record.verifierFresh && intents.isEmpty && !lives
        if lives {
            return Beginning(
                state: .starting(.init(phase: .launched, clients: [])), stopping: intents.contains(.stop), verifierFresh: fresh)
        }
        guard let reason = record.brokenReason else { return Beginning(state: .stopped, stopping: false, verifierFresh: fresh) }
        let error = DevError(
            .broken, "\(record.name) is broken", object: record.name.text, cause: reason, help: "Run dev start \(record.name)")
        return Beginning(
            state: .broken(.init(failure: ServerFailure(error: error, permanent: true))), stopping: false, verifierFresh: fresh)
    }
}
