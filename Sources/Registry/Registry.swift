public import Basics

/// SQLite, WAL, synchronous=FULL. All calls block: use `Loop.blocking`. STUB: signatures to code against.
public final class Registry: Sendable {
    /// Opens or creates the file (0600), checks it, migrates it.
    /// - Throws: `newer-state`, `corrupt-state`, `read-only`, `disk-full`, `system`.
    public init(path: String) throws(DevError) {}

    public func instances() throws(DevError) -> [InstanceRecord] { fatalError() }
    /// Insert or replace the row and its ports in one transaction.
    /// - Throws: `exists` for another instance's name, `port-taken` for a port that is another's.
    public func save(_ record: InstanceRecord) throws(DevError) {}
    /// Begin an intent; in the same transaction save the record, if one is given.
    public func begin(_ kind: IntentRecord.Kind, instance: String, detail: String, saving record: InstanceRecord? = nil) throws(DevError)
        -> Int64
    { fatalError() }
    /// End an intent; in the same transaction save or delete the instance, if asked.
    public func finish(_ intent: Int64, saving record: InstanceRecord? = nil, deleting instance: String? = nil) throws(DevError) {}
    public func intents() throws(DevError) -> [IntentRecord] { fatalError() }

    public func trash() throws(DevError) -> [TrashRecord] { fatalError() }
    /// End a remove intent: the instance becomes a trash row, in one transaction.
    public func finishRemoval(_ intent: Int64, _ record: TrashRecord) throws(DevError) {}
    /// End a restore intent: the trash row becomes the instance again, in one transaction.
    public func finishRestore(_ intent: Int64, _ record: InstanceRecord) throws(DevError) {}
    public func forgetTrash(instance: String) throws(DevError) {}

    /// Small facts of the daemon itself, such as its HTTP port.
    public func setting(_ key: String) throws(DevError) -> String? { fatalError() }
    public func set(_ key: String, _ value: String?) throws(DevError) {}
}
