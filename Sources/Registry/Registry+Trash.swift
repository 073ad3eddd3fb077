public import Basics

extension Registry {
    /// What was removed, the latest first.
    public func trash() throws(DevError) -> [TrashRecord] {
        try read { (database) throws(DevError) in
            try database.rows("SELECT record, removed_at, deadline, path FROM trash ORDER BY removed_at DESC, instance") {
                (row) throws(DevError) in
                let stored: StoredInstance = try JSONText.decode(row.text(0), self.path)
                guard let instance = stored.record else { throw RegistryError.corrupt(self.path, cause: "the trash can't be read") }
                return TrashRecord(instance: instance, removedAt: row.real(1), deadline: row.real(2), path: row.text(3))
            }
        }
    }

    /// End a remove intent: the instance becomes a trash row, in one transaction. Its name and ports are free then.
    public func finishRemoval(_ intent: Int64, _ record: TrashRecord) throws(DevError) {
        try write { (database) throws(DevError) in
            try self.end(intent, database)
            try database.run("DELETE FROM instance WHERE id = ?", [.text(record.instance.id)])
            try database.run(
                "INSERT OR REPLACE INTO trash VALUES (?, ?, ?, ?, ?)",
                [
                    .text(record.instance.id), .text(JSONText.encode(StoredInstance(record.instance))), .real(record.removedAt),
                    .real(record.deadline), .text(record.path),
                ])
        }
    }

    /// End a restore intent: the trash row becomes the instance again, in one transaction.
    /// - Throws: as `save`: its name or a port may be another's by now, and then it stays in the trash.
    public func finishRestore(_ intent: Int64, _ record: InstanceRecord) throws(DevError) {
        try write { (database) throws(DevError) in
            try self.end(intent, database)
            try database.run("DELETE FROM trash WHERE instance = ?", [.text(record.id)])
            try self.store(record, database)
        }
    }

    public func forgetTrash(instance: String) throws(DevError) {
        try write { (database) throws(DevError) in
            try database.run("DELETE FROM trash WHERE instance = ?", [.text(instance)])
        }
    }
}
