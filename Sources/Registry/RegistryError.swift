internal import Basics
internal import CSQLite

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What goes wrong with the registry's file, in words that say what to do. None of these deletes anything.
enum RegistryError {
    /// - Parameters:
    ///   - status: SQLite's extended result code.
    ///   - errno: of the system call behind it, if there was one.
    static func failed(_ status: Int32, errno number: Int32, text: String, _ path: String) -> DevError {
        switch status & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB: return corrupt(path, cause: text)
        case SQLITE_FULL: return diskFull(path)
        case SQLITE_READONLY: return readOnly(path)
        case SQLITE_IOERR, SQLITE_CANTOPEN:
            // SQLite keeps the number of old, harmless failures too (ENOENT of a WAL that need not be there).
            guard number > 0, number != ENOENT else {
                return DevError(.system, "Can't use the registry \(path)", object: path, cause: text)
            }
            return number == EROFS ? readOnly(path) : posixError(text, object: path, errno: number)
        case SQLITE_BUSY, SQLITE_LOCKED:
            return DevError(
                .system, "The registry \(path) is held by another program", object: path, cause: text,
                help: "Close what has it open (fuser \(quoted(path)))")
        default: return DevError(.system, "Can't use the registry \(path)", object: path, cause: text)
        }
    }

    static func diskFull(_ path: String) -> DevError {
        DevError(
            .diskFull, "The disk of the registry \(path) is full", object: path, help: "Free some space on that disk and try again")
    }

    static func readOnly(_ path: String) -> DevError {
        DevError(
            .readOnly, "The registry \(path) can't be written", object: path,
            help: "Make it writable for this user, or set DEVDB_HOME to a folder that is")
    }

    static func newer(_ path: String, migrations: [String]) -> DevError {
        DevError(
            .newerState, "The home of \(path) was made by a newer devdb", object: path,
            cause: "this one does not know \(migrations.joined(separator: ", "))",
            help: "Run the newer devdb, or give this one a home of its own with DEVDB_HOME")
    }

    /// Damaged, or somebody else's file. The instances' data are untouched by this, so a copy brings all back.
    static func corrupt(_ path: String, cause: String) -> DevError {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let folder = String(path.dropLast(file.utf8.count))
        var help = "Keep it and put a working one in its place: cd \(quoted(folder)) && mkdir -p damaged && mv \(file) damaged/"
        help += "; mv \(file)-* damaged/ 2>/dev/null"
        if exists(Registry.backupPath(path)) {
            help += "; cp \(file).backup \(file)"
            // The copy may be damaged too.
            help += ". Or begin anew: mv \(file) \(file).backup damaged/; the instances come back from their folders"
        } else {
            help += ". There is no copy (\(file).backup); the instances come back from their folders in \(folder)instances"
        }
        return DevError(.corruptState, "The registry \(path) is damaged", object: path, cause: cause, help: help)
    }

    /// No registry, or an empty one, where there was one: beginning anew would orphan every instance.
    static func missing(_ path: String) -> DevError {
        let backup = Registry.backupPath(path)
        let anew = "mv \(quoted(backup)) \(quoted(backup + ".old")), and the instances come back from their folders"
        return DevError(
            .corruptState, "The registry \(path) is gone, but a copy of it is there", object: path,
            help: "Bring it back: cp \(quoted(backup)) \(quoted(path)). Or begin anew: \(anew)")
    }

    static func exists(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }

    /// For a POSIX shell.
    static func quoted(_ text: String) -> String {
        let plain = !text.isEmpty && text.utf8.allSatisfy { "/._-+".utf8.contains($0) || isAlphanumeric($0) }
        return plain ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
