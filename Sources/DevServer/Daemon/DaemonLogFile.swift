internal import Basics
internal import InstanceManager

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// `devd.log`: appended, and moved to `devd.log.1` at a start that finds it large.
enum DaemonLogFile {
    static let largest: off_t = 4 << 20

    /// - Parameter foreground: lines also go to the stderr we were started with.
    /// - Throws: `read-only`, `disk-full`, `system`.
    static func open(_ path: String, level: Log.Level, foreground: Bool) throws(DevError) -> Log {
        var facts = stat()
        if stat(path, &facts) == 0, facts.st_size > largest { rename(path, path + ".1") }
        let descriptor = Self.openForAppending(path)
        guard descriptor >= 0 else {
            throw DevError(
                errno == EROFS ? .readOnly : errno == ENOSPC ? .diskFull : .system, "The daemon's log can't be written", object: path,
                cause: String(cString: strerror(errno)), help: "Make \(path) writable, or set DEVDB_HOME to another folder")
        }
        // The Swift runtime's last words, and a library's, go into the log as well.
        if !foreground { dup2(descriptor, STDERR_FILENO) }
        return Log(level: level) { level, text in
            let line = stamp() + " \(level) " + text + "\n"
            write(line, to: descriptor)
            if foreground { write(line, to: STDERR_FILENO) }
        }
    }

    private static func openForAppending(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        #else
            Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        #endif
    }

    /// One write a line: appended lines of two threads don't mix. A full disk loses log lines, nothing else.
    private static func write(_ line: String, to descriptor: Int32) {
        var line = line
        line.withUTF8 { bytes in
            #if canImport(Darwin)
                _ = Darwin.write(descriptor, bytes.baseAddress, bytes.count)
            #else
                _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            #endif
        }
    }

    private static func stamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let text = Timestamp.text(Double(now.tv_sec))
        let milliseconds = String(now.tv_nsec / 1_000_000)
        return text.dropLast() + "." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "Z"
    }
}
