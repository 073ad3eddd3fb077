public import Basics
internal import Files

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What an instance's own folder says of it, so that the instance can be registered again when the registry was lost: all
/// that nobody could find out anew (name, ports, password, settings). Neither verifier nor roles: what was true of a server
/// at an earlier sleep must never let anybody in. All calls block.
public struct InstanceNote: Sendable, Equatable {
    public var record: InstanceRecord
    /// The data directory is whole and on the disk. Else the creation may not have come to its end.
    public var isSettled: Bool

    public init(_ record: InstanceRecord, isSettled: Bool) {
        self.record = record
        self.record.verifier = nil
        self.record.verifierExpires = nil
        self.record.verifierFresh = false
        self.record.roles = ["postgres"]
        self.record.brokenReason = nil
        self.isSettled = isSettled
    }

    private struct Stored: Codable {
        var instance: StoredInstance
        var settled: Bool
    }

    static func path(_ folder: String) -> String { folder + "/instance.json" }
    private var bytes: [UInt8] { Array(JSONText.encode(Stored(instance: StoredInstance(record), settled: isSettled)).utf8) }

    /// 0600: the password is in it. Atomic and durable.
    /// - Parameter folder: the instance's, which is 0700.
    public func write(_ folder: String) throws(DevError) { try DurableFile.write(bytes, to: InstanceNote.path(folder)) }

    /// Into a folder that has none yet, without fsync: good for as long as the machine runs.
    public func writePlainly(_ folder: String) {
        let path = InstanceNote.path(folder)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = bytes
        let written = bytes.withUnsafeBytes { write(descriptor, $0) }
        if written != bytes.count { unlink(path) }
    }

    private func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    /// Writes what has changed, if there is a note; whether the instance is settled stays as it was.
    public static func update(_ record: InstanceRecord, in folder: String) throws(DevError) {
        guard let before = read(folder) else { return }
        let note = InstanceNote(record, isSettled: before.isSettled)
        if note != before { try note.write(folder) }
    }

    /// nil when there is none, when it makes no sense, and when it was not written by this user or names another folder:
    /// the folder is the servers' user's, who must not tell the daemon what to run.
    public static func read(_ folder: String) -> InstanceNote? {
        let path = path(folder)
        var facts = stat()
        guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid(), facts.st_mode & 0o022 == 0,
            let bytes = try? DurableFile.read(path, limit: 1 << 20),
            let stored: Stored = try? JSONText.decode(String(decoding: bytes, as: UTF8.self), path), let record = stored.instance.record,
            folder.hasSuffix("/" + record.id)
        else { return nil }
        return InstanceNote(record, isSettled: stored.settled)
    }
}
