public import Basics

extension Registry {
    /// Begin an intent; in the same transaction save the record, if one is given.
    /// - Parameter durable: see `write`; false for a step that leaves nothing on the disk unless a later commit follows it.
    /// - Returns: the intent's id, never used twice.
    /// - Throws: as `save`.
    public func begin(
        _ kind: IntentRecord.Kind, instance: String, detail: String, saving record: InstanceRecord? = nil, durable: Bool = true
    ) throws(DevError) -> Int64 {
        try write(durable: durable) { (database) throws(DevError) in
            if let record { try self.store(record, database) }
            try database.run(
                "INSERT INTO intent (kind, instance, detail) VALUES (?, ?, ?)",
                [.text(kind.rawValue), .text(instance), .text(detail)])
            return database.lastRowID
        }
    }

    /// End an intent; in the same transaction save or delete the instance, if asked.
    /// - Throws: as `save`; `internal` when there is no such intent, and then nothing has changed.
    public func finish(_ intent: Int64, saving record: InstanceRecord? = nil, deleting instance: String? = nil) throws(DevError) {
        try write { (database) throws(DevError) in
            try self.end(intent, database)
            if let instance { try database.run("DELETE FROM instance WHERE id = ?", [.text(instance)]) }
            if let record { try self.store(record, database) }
        }
    }

    /// What was begun and neither finished nor undone, oldest first.
    public func intents() throws(DevError) -> [IntentRecord] {
        try read { (database) throws(DevError) in
            try database.rows("SELECT id, kind, instance, detail FROM intent ORDER BY id") { (row) throws(DevError) in
                guard let kind = IntentRecord.Kind(rawValue: row.text(1)) else {
                    throw RegistryError.corrupt(self.path, cause: "the intent \(row.integer(0)) can't be read")
                }
                return IntentRecord(id: row.integer(0), kind: kind, instance: row.text(2), detail: row.text(3))
            }
        }
    }

    /// Inside a transaction.
    func end(_ intent: Int64, _ database: Database) throws(DevError) {
        try database.run("DELETE FROM intent WHERE id = ?", [.integer(intent)])
        guard database.changes == 1 else {
            throw DevError(.internal, "There is no step \(intent) under way", object: self.path)
        }
    }
}
