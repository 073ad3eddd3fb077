public import Basics
internal import HTTPShim
internal import InstanceManager

/// A project's `dev.toml`. What it doesn't say is nil. Unknown keys and wrong types are errors with file, line and
/// column, so that a typing mistake is never a setting silently left out.
public struct ProjectFile: Sendable, Equatable {
    /// Absolute path of the file.
    public var path: String
    public var name: InstanceName?
    /// Major version, "15".
    public var pg: String?
    public var idle: IdleLimit?
    public var profile: String?
    public var password: Secret?
    public var extensions: [String]?
    /// PostgreSQL settings as text: numbers in decimal, booleans `on` and `off`.
    public var settings: [String: String] = [:]

    /// Limits of the HTTP side, by `dev config`'s keys: `limits.queryTimeout`.
    public var http: [String: String] = [:]

    /// Where the settings stand, "line:column".
    private var places: [String: String] = [:]

    /// What it says of `dev config`'s keys; the password, which is secret, as stars.
    var configuration: [String: String] {
        var values = Dictionary(settings.map { ("settings." + $0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        values.merge(http) { first, _ in first }
        values["idle"] = idle?.text
        values["profile"] = profile
        values["password"] = password.map { _ in "***" }
        return values
    }

    /// The keys there are, as the README documents them.
    static let keys = ["name", "pg", "idle", "profile", "password", "extensions", "settings", "limits"]
    static let profiles = ["durable", "ephemeral"]

    /// - Throws: `bad-configuration`, whose message begins with `path:line:column`.
    public init(_ text: [UInt8], path: String) throws(DevError) {
        self.path = path
        let document: TomlDocument
        do {
            document = try TomlDocument(text)
        } catch {
            throw Self.error(path, error.line, error.column, error.text)
        }
        for node in document.nodes {
            guard let key = node.path.first else { continue }
            do throws(Complaint) {
                try read(key, node)
            } catch {
                throw Self.error(path, node.line, node.column, error.text, help: error.help)
            }
        }
    }

    private struct Complaint: Error {
        var text: String
        var help: String?
        init(_ text: String, help: String? = nil) {
            self.text = text
            self.help = help
        }
    }

    private mutating func read(_ key: String, _ node: TomlDocument.Node) throws(Complaint) {
        switch key {
        case "name":
            let text = try string(key, node)
            guard let name = try? InstanceName(text) else {
                throw Complaint("\"\(text)\" can't be a name: 1 to 63 letters, digits, dashes and underscores, no dash first")
            }
            self.name = name
        case "pg":
            let text = try string(key, node, or: [.integer])
            guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw Complaint("pg is a major version such as \"15\", not \"\(text)\"")
            }
            pg = text
        case "idle":
            let text = try string(key, node, or: [.integer])
            guard let limit = IdleLimit(text) else { throw Complaint("idle is never, or a time such as 30s, 10m, 2h; not \"\(text)\"") }
            idle = limit
        case "profile":
            let text = try string(key, node)
            guard Self.profiles.contains(text) else { throw Complaint("profile is durable or ephemeral, not \"\(text)\"") }
            profile = text
        case "password":
            let text = try string(key, node)
            guard Self.isPassword(text) else { throw Complaint("a password has 1 to 1000 bytes and no control characters") }
            password = Secret(text)
        case "extensions": try readExtension(node)
        case "settings": try readSetting(node)
        case "limits": try readLimit(node)
        default:
            let near = Self.keys.min { Self.distance(key, $0) < Self.distance(key, $1) }
            // Half of it at most may be another, or anything is near a short key.
            let help = near.flatMap {
                2 * Self.distance(key, $0) <= min(4, max(key.utf8.count, $0.utf8.count)) ? "Did you mean \($0)" : nil
            }
            throw Complaint("unknown key \"\(key)\"", help: help ?? "The keys are \(Self.keys.joined(separator: ", "))")
        }
    }

    private func string(_ key: String, _ node: TomlDocument.Node, or more: [TomlDocument.Kind] = []) throws(Complaint) -> String {
        guard node.path.count == 1, !node.isElement, node.kind == .string || more.contains(node.kind) else {
            throw Complaint("\(key) is a string, not \(node.path.count == 1 && !node.isElement ? node.kind.rawValue : "a table")")
        }
        return node.value
    }

    private mutating func readExtension(_ node: TomlDocument.Node) throws(Complaint) {
        if node.kind == .array, node.path.count == 1, !node.isElement {
            extensions = extensions ?? []
            return
        }
        guard node.isElement, node.kind == .string, !node.value.isEmpty, node.value.utf8.count <= 63,
            node.value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else { throw Complaint("extensions is a list of names such as [\"pg_trgm\"]") }
        extensions = (extensions ?? []) + [node.value]
    }

    private mutating func readSetting(_ node: TomlDocument.Node) throws(Complaint) {
        // `[settings.auto_explain]` and `auto_explain.log_min_duration` both name the setting with a dot.
        let name = node.path.dropFirst().joined(separator: ".")
        if node.kind == .table, !node.isElement { return }
        guard !name.isEmpty else { throw Complaint("settings is a table, not \(node.kind.rawValue)") }
        guard Self.isSettingName(name) else { throw Complaint("\"\(name)\" is no name of a PostgreSQL setting") }
        guard !node.isElement, node.kind != .array, node.kind != .date else {
            throw Complaint(
                "the setting \(name) is a string, a number, true or false; not \(node.isElement ? "a list" : node.kind.rawValue)")
        }
        guard Self.isSettingValue(node.value) else { throw Complaint("the value of \(name) has a control character") }
        do throws(DevError) {
            try ServerSettings.check([name: node.value])
        } catch {
            throw Complaint(error.message + (error.cause.map { ": " + $0 } ?? ""), help: error.help)
        }
        places[name] = "\(node.line):\(node.column)"
        settings[name] = node.kind == .boolean ? (node.value == "true" ? "on" : "off") : node.value
    }

    private mutating func readLimit(_ node: TomlDocument.Node) throws(Complaint) {
        if node.kind == .table, node.path.count == 1, !node.isElement { return }
        guard node.path.count > 1 else { throw Complaint("limits is a table, not \(node.kind.rawValue)") }
        let key = node.path.joined(separator: ".")
        guard ServingKey.names.contains(key) else {
            let names = ServingKey.names.filter { $0.hasPrefix("limits.") }.map { $0.dropFirst("limits.".utf8.count) }
            throw Complaint("unknown key \"\(key)\"", help: "The limits are \(names.joined(separator: ", "))")
        }
        guard !node.isElement, node.kind == .string || node.kind == .integer else {
            throw Complaint("\(key) is a string or a number, not \(node.isElement ? "a list" : node.kind.rawValue)")
        }
        if let complaint = ServingRules.complaint(key, node.value) { throw Complaint("\(key) is \(complaint)") }
        http[key] = node.value
    }

    /// Letters, digits, underscores, and a dot between an extension's name and its setting.
    static func isSettingName(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count <= 3
            && parts.allSatisfy { part in
                (1...63).contains(part.utf8.count) && part.utf8.first.map { !(0x30...0x39).contains($0) } == true
                    && part.utf8.allSatisfy { byte in
                        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                            || byte == UInt8(ascii: "_")
                    }
            }
    }

    /// A line break would begin another setting in a configuration file.
    static func isSettingValue(_ text: String) -> Bool {
        text.utf8.count <= 4096 && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    static func isPassword(_ text: String) -> Bool {
        (1...1000).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }

    /// What is wrong with a setting, with its place.
    func error(_ error: DevError, setting: String) -> DevError {
        var error = error
        error.message = "\(path):\(places[setting].map { $0 + ": " } ?? " ")\(error.message)"
        return error
    }

    private static func error(_ path: String, _ line: Int, _ column: Int, _ text: String, help: String? = nil) -> DevError {
        DevError(.badConfiguration, "\(path):\(line):\(column): \(text)", object: path, help: help ?? "Correct that line")
    }

    /// Levenshtein's distance, for texts as short as keys are.
    private static func distance(_ left: String, _ right: String) -> Int {
        let one = Array(left.utf8.prefix(40))
        let two = Array(right.utf8.prefix(40))
        var row = Array(0...two.count)
        for (i, byte) in one.enumerated() {
            var diagonal = i
            row[0] = i + 1
            for (j, other) in two.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[two.count]
    }
}
