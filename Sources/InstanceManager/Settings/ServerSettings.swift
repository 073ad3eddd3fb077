public import Basics
internal import Profiles

/// What goes into a server's configuration, in order of precedence, weakest first (docs/settings.md):
/// 1. the profile, 2. `settings` of `dev.toml` and `dev config` – both in `devdb.conf`, written by us before each start –
/// 3. the person's own lines in `postgresql.conf` below its `include`, 4. `ALTER SYSTEM`, 5. what the front depends on,
/// given on the command line.
public enum ServerSettings {
    /// Ours: where clients come in and how they are known. They go by the command line, so nothing else can set them.
    static let forced: Set<String> = [
        "listen_addresses", "port", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions", "hba_file",
        "ident_file", "config_file", "data_directory", "external_pid_file", "logging_collector", "log_destination", "bonjour",
    ]

    /// - Throws: `bad-configuration` for a name that can't be one, a value with a line break, or a setting that is ours.
    public static func check(_ settings: [String: String]) throws(DevError) {
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            guard isName(name) else {
                throw DevError(.badConfiguration, "\"\(name.prefix(80))\" is no name of a server setting", object: String(name.prefix(80)))
            }
            guard !forced.contains(name.lowercased()) else {
                throw DevError(
                    .badConfiguration, "The server setting \(name) is devdb's own", object: name,
                    cause: "clients reach the server through the daemon's ports", help: "Use --db-port to choose the port")
            }
            guard !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
                throw DevError(.badConfiguration, "The value of \(name) has a control character", object: name)
            }
        }
    }

    public static func checkProfile(_ name: String) throws(DevError) {
        guard Profiles.text(name) != nil else {
            throw DevError(
                .badConfiguration, "There is no profile \"\(name)\"", object: name,
                help: "Use one of \(Profiles.names.joined(separator: ", "))")
        }
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (1...127).contains(text.utf8.count) else { return false }
        func letter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f }
        return letter(first) && text.utf8.allSatisfy { letter($0) || (0x30...0x39).contains($0) || $0 == 0x2e }
    }

    /// The content of `devdb.conf`.
    static func file(profile: String, major: Int, name: String, settings: [String: String], linux: Bool = isLinux) -> String {
        var lines = ["# Written by devdb before each start; changes here are lost. Your own lines go into postgresql.conf."]
        lines.append(profileMark + profile)
        for line in (Profiles.text(profile) ?? "").split(separator: "\n", omittingEmptySubsequences: true) {
            guard !line.hasPrefix("#"), let kept = fitting(line, major: major, linux: linux) else { continue }
            lines.append(kept)
        }
        lines.append("cluster_name = \(quoted(name))")
        if !settings.isEmpty { lines.append("\n" + settingsMark) }
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { lines.append(line(name, value)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let profileMark = "# Profile: "
    private static let settingsMark = "# From dev.toml or dev config"
    private static func line(_ name: String, _ value: String) -> String { "\(name) = \(quoted(value))" }

    /// What a running server does not have yet, as keys of `dev config`: the file tells what it was started with.
    /// - Parameter file: `devdb.conf` as it is.
    static func changed(since file: String, profile: String, settings: [String: String]) -> [String] {
        let lines = file.split(separator: "\n").map(String.init)
        var keys: [String] = []
        if let mark = lines.first(where: { $0.hasPrefix(profileMark) }), mark != profileMark + profile { keys.append("profile") }
        let own = lines.firstIndex(of: settingsMark).map { lines[($0 + 1)...] } ?? []
        var names = Set(settings.keys)
        for line in own { if let end = line.firstIndex(of: " ") { names.insert(String(line[..<end])) } }
        let present = Set(own)
        for name in names.sorted() where settings[name].map({ !present.contains(line(name, $0)) }) ?? true {
            keys.append("settings." + name)
        }
        return keys
    }

    /// The `postgresql.conf` that a new instance gets; never written again.
    static let personsFile = """
        # The settings of this server. Later lines win over earlier ones.
        # devdb.conf has the profile and the settings of dev.toml and dev config; it is written anew before each start.
        include 'devdb.conf'

        # Your own lines go below; devdb never touches them.

        """

    /// Arguments of `postgres`.
    static func arguments(dataDirectory: String, socketDirectory: String) -> [String] {
        // A person's file may have any of these, such as Debian's with its own places: the instance's data are its own.
        let forced = [
            ("data_directory", dataDirectory), ("listen_addresses", ""), ("port", "5432"),
            ("unix_socket_directories", socketList(socketDirectory)),
            ("unix_socket_permissions", "0700"), ("hba_file", dataDirectory + "/pg_hba.conf"), ("logging_collector", "off"),
            ("log_destination", "stderr"),
        ]
        return ["-D", dataDirectory] + forced.flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }

    /// A list of identifiers: quoted, or a comma or space in a path would split it.
    private static func socketList(_ path: String) -> String {
        "\"" + path.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    static func quoted(_ value: String) -> String {
        var result = "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { result.unicodeScalars.append(scalar) }
            result.unicodeScalars.append(scalar)
        }
        return result + "'"
    }

    /// The line without its tag; nil when the tag excludes it.
    private static func fitting(_ line: Substring, major: Int, linux: Bool) -> String? {
        guard let hash = line.lastIndex(of: "#"), line.hasSuffix("]"), let open = line[hash...].firstIndex(of: "[") else {
            return String(line)
        }
        for word in line[line.index(after: open)...].dropLast().split(separator: " ") {
            if word == "linux" {
                guard linux else { return nil }
            } else if word.hasSuffix("+"), let floor = Int(word.dropLast()) {
                guard major >= floor else { return nil }
            }
        }
        var kept = line[..<hash]
        while kept.hasSuffix(" ") { kept.removeLast() }
        return String(kept)
    }

    private static var isLinux: Bool {
        #if os(Linux)
            true
        #else
            false
        #endif
    }
}
