internal import Basics

/// Why a server did not start, read from what it wrote.
enum ServerLogReading {
    /// - Parameters:
    ///   - text: what the server wrote since this start.
    ///   - name: the instance's name.
    ///   - exit: how the process ended, in words.
    ///   - sources: settings of ours with where they are from: a path of a `dev.toml`, or nil for `dev config`.
    ///   - place: its data directory, and who must own it.
    ///   - wasUp: it took sessions before it ended. What its clients did wrong says nothing about its end then.
    static func failure(
        in text: String, name: String, exit: String, sources: [String: String?] = [:], place: Place? = nil,
        wasUp: Bool = false
    ) -> ServerFailure {
        let lines = text.split(separator: "\n").map(String.init)
        let serious = lines.filter { $0.contains("FATAL:") || $0.contains("PANIC:") || $0.contains("postgres: could not") }
        let tail = lines.suffix(5).joined(separator: "\n")
        let logs = "Run dev logs \(name) to see more"
        if wasUp { return afterwards(serious, name: name, exit: exit, help: logs) }

        if let index = lines.firstIndex(where: { setting(in: $0) != nil }), let said = setting(in: lines[index]) {
            // Which settings to change is often in the lines behind.
            let more = lines[(index + 1)...].prefix { $0.contains("DETAIL:  ") || $0.contains("HINT:  ") }.map(message)
            let words = ([said] + more).joined(separator: "; ")
            return setting(parameter(in: said), words, SettingSource(of: words + unsaid(said), sources), name, place)
        }
        if lines.contains(where: { $0.contains("could not load pg_hba.conf") }) {
            // Where it is wrong is in the CONTEXT line, what is wrong in the LOG line before it.
            let place = lines.firstIndex { $0.contains("of configuration file") && $0.contains("CONTEXT:") }
            let said = place.map { lines[max(0, $0 - 1)...$0].map(message) } ?? lines.filter { $0.contains("LOG:") }.map(message)
            return ServerFailure(
                error: DevError(
                    .startFailed, "A rule in pg_hba.conf keeps the server of \(name) from starting", object: name,
                    cause: (said + ["could not load pg_hba.conf"]).joined(separator: "; "),
                    help: "Correct it; the next connection tries again, or run dev start \(name)"),
                permanent: true)
        }
        if let line = serious.first(where: isAboutLibrary) {
            return libraries(message(line), name, sources, place)
        }
        // Before it has a log it names the file in a line without a mark.
        let unmarked = lines.last { !$0.contains("LOG:") && !$0.contains("WARNING:") && $0.contains("Permission denied") }
        if let place, let line = unmarked ?? serious.last, let repair = place.repair(line) {
            return ServerFailure(
                error: DevError(
                    .startFailed, "The data directory of \(name) is not its server's to use", object: name, cause: message(line),
                    help: "Run \(repair); the next connection tries again"),
                permanent: true)
        }
        // The kernel has the same words for a full disk and for used-up semaphores.
        if let line = lines.first(where: {
            ($0.contains("No space left on device") || $0.contains("Disk quota exceeded")) && !$0.contains("semaphore")
                && !$0.contains("shared memory")
        }) {
            return ServerFailure(
                error: DevError(
                    .diskFull, "The disk is full, so the server of \(name) can't run", object: name, cause: message(line),
                    help: "Free some space; the next connection tries again"),
                permanent: true)
        }
        if let line = lines.first(where: {
            $0.contains("database files are incompatible with server") || $0.contains("is not compatible with this version")
        }) {
            return ServerFailure(
                error: DevError(
                    .versionMismatch, "The data of \(name) is another PostgreSQL's", object: name,
                    cause: lines.first(where: { $0.contains("DETAIL:") }).map(message) ?? message(line), help: logs),
                permanent: true)
        }
        let cause = unreadable(lines) ?? serious.last.map(message) ?? (tail.isEmpty ? exit : "\(exit): \(tail)")
        let permanent = serious.contains { line in
            [
                "has wrong ownership", "has invalid permissions", "is not a valid data directory", "configuration file",
            ]
            .contains { line.contains($0) }
        }
        return ServerFailure(
            error: DevError(.startFailed, "The server of \(name) ended", object: name, cause: cause, help: logs), permanent: permanent)
    }

    /// What is wrong with a configuration file stands in the line before the one that says so.
    private static func unreadable(_ lines: [String]) -> String? {
        guard let index = lines.lastIndex(where: { $0.contains("configuration file \"") && $0.contains("contains errors") }), index > 0,
            lines[index - 1].contains("LOG:")
        else { return nil }
        return message(lines[index - 1]) + "; " + message(lines[index])
    }

    /// What a server loads at its start is what `shared_preload_libraries` says; PostgreSQL does not say so.
    private static func isAboutLibrary(_ line: String) -> Bool {
        ["could not access file \"", "could not load library \"", "incompatible library \""].contains { line.contains($0) }
    }

    private static func libraries(_ said: String, _ name: String, _ sources: [String: String?], _ place: Place?) -> ServerFailure {
        let libraries = "shared_preload_libraries"
        return setting(libraries, "\(libraries): \(said)", SettingSource(of: libraries, sources), name, place)
    }

    /// - Parameters:
    ///   - setting: its name, if that is known: the line that counts is looked for where PostgreSQL does not say it.
    ///   - own: where it is from, if it is one of ours.
    private static func setting(_ setting: String?, _ said: String, _ own: SettingSource?, _ name: String, _ place: Place?) -> ServerFailure
    {
        var error = DevError(
            .startFailed, "A setting keeps the server of \(name) from starting", object: name, cause: own?.rewritten(said) ?? said,
            help: own?.help(name) ?? help(said, name))
        if let setting, let place, !said.contains(".conf\""),
            let line = PersonsSetting.find(setting, data: place.data, isOurs: own != nil)
        {
            error.cause = "\(said) (\(line.file):\(line.line))"
            error.help = "Correct or remove that line; the next connection tries again, or run dev start \(name)"
        }
        return ServerFailure(error: error, permanent: true)
    }

    /// Settings that some complaints are about without their names.
    private static func unsaid(_ said: String) -> String {
        if said.contains("certificate file") || said.contains("private key file") { return " ssl" }
        guard said.contains("could not map anonymous shared memory") else { return "" }
        return " shared_buffers huge_pages max_locks_per_transaction max_prepared_transactions wal_buffers"
    }

    /// `invalid value for parameter "work_mem": "x"`, `1 is outside the valid range for parameter "work_mem" (64 .. 2147483647)`.
    private static func parameter(in said: String) -> String? {
        guard let start = said.firstRange(of: "parameter \"")?.upperBound else { return nil }
        return String(said[start...].prefix { $0 != "\"" })
    }

    private static func afterwards(_ serious: [String], name: String, exit: String, help: String) -> ServerFailure {
        // Clients have their FATALs too.
        guard let panic = serious.last(where: { $0.contains("PANIC:") }) else {
            return ServerFailure(
                error: DevError(.startFailed, "The server of \(name) ended", object: name, cause: exit, help: help), permanent: false)
        }
        let isFull = panic.contains("No space left on device") || panic.contains("Disk quota exceeded")
        return ServerFailure(
            error: DevError(
                isFull ? .diskFull : .startFailed, "The server of \(name) ended", object: name, cause: message(panic), help: help),
            permanent: false)
    }

    /// PostgreSQL's words about a setting, with file and line, if this line has such.
    private static func setting(in line: String) -> String? {
        let marks = [
            "unrecognized configuration parameter", "invalid value for parameter", "is outside the valid range for parameter",
            "syntax error in file", "requires a numeric value", "requires a Boolean value", "requires an integer value",
            "could not open configuration file", "cannot be changed without restarting", "cannot be set",
            "invalid list syntax in parameter",
            // What the postmaster and the startup process check when all is read (postmaster.c, xlog.c, slot.c, be-secure-openssl.c).
            "must be less than max_connections", "must be less than \"max_connections\"", "requires wal_level", "requires \"wal_level\"",
            "cannot be enabled when", "cannot be summarized when", "insufficient parameter settings", "exists, but wal_level",
            "exists, but \"wal_level\"", "could not load server certificate file", "could not load private key file",
            "could not load root certificate file", "private key file", "could not map anonymous shared memory",
        ]
        guard marks.contains(where: { line.contains($0) }),
            // Some it says before it has a log, under its own name alone.
            ["FATAL:", "LOG:", "ERROR:", "postgres: "].contains(where: { line.contains($0) })
        else { return nil }
        return message(line)
    }

    private static func help(_ setting: String, _ name: String) -> String {
        setting.contains(".conf\"")
            ? "Correct it; the next connection tries again, or run dev start \(name)"
            : "Correct it in postgresql.conf or postgresql.auto.conf (dev status \(name) has the folder); the next connection tries again"
    }

    /// The text after "FATAL:  ", "LOG:  " or "DETAIL:  ".
    static func message(_ line: String) -> String {
        for mark in ["FATAL:  ", "PANIC:  ", "ERROR:  ", "LOG:  ", "DETAIL:  ", "HINT:  ", "CONTEXT:  ", "postgres: "] {
            guard let range = line.firstRange(of: mark) else { continue }
            return String(line[range.upperBound...])
        }
        return line
    }
}
