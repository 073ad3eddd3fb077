internal import Basics
internal import Loop
public import Registry

/// A line of a person's in `postgresql.conf`, of a file that it includes, or in `postgresql.auto.conf`, which wins over what we write.
public struct PersonsSetting: Sendable, Equatable {
    public var value: String
    public var file: String
    public var line: Int

    /// `ALTER SYSTEM` wrote it.
    public var isAltered: Bool { file.hasSuffix("/postgresql.auto.conf") }

    /// The line that counts; blocks.
    /// - Parameter isOurs: we set it as well, in `devdb.conf`.
    /// - Returns: nil when ours counts, or none is there.
    static func find(_ name: String, data: String, isOurs: Bool) -> PersonsSetting? {
        var found: PersonsSetting?
        read(data + "/postgresql.conf", name.lowercased(), isOurs, depth: 0, &found)
        read(data + "/postgresql.auto.conf", name.lowercased(), isOurs, depth: 0, &found)
        return found
    }

    private static func read(_ path: String, _ name: String, _ isOurs: Bool, depth: Int, _ found: inout PersonsSetting?) {
        // PostgreSQL's own limit of nesting.
        guard depth <= 10, let text = Paths.readText(path) else { return }
        let folder = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : folder + "/" + path }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let (key, value) = parse(line) else { continue }
            switch key {
            case "include", "include_if_exists":
                if value == "devdb.conf" {
                    // Ours comes after what stands above it.
                    if isOurs { found = nil }
                } else {
                    read(absolute(value), name, isOurs, depth: depth + 1, &found)
                }
            case "include_dir":
                for file in Paths.list(absolute(value)) where file.hasSuffix(".conf") && !file.hasPrefix(".") {
                    read(absolute(value) + "/" + file, name, isOurs, depth: depth + 1, &found)
                }
            case name: found = PersonsSetting(value: value, file: path, line: number + 1)
            default: break
            }
        }
    }

    /// `name = value`, the name in small letters; nil for a line without.
    static func parse(_ line: Substring) -> (key: String, value: String)? {
        var rest = line.drop(while: \.isWhitespace)
        let key = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        guard !key.isEmpty else { return nil }
        rest = rest[key.endIndex...].drop(while: \.isWhitespace)
        if rest.first == "=" { rest = rest.dropFirst().drop(while: \.isWhitespace) }
        guard rest.first == "'" else { return (key.lowercased(), String(rest.prefix { !$0.isWhitespace && $0 != "#" })) }
        rest.removeFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character == "'" {
                guard rest.first == "'" else { break }
                rest.removeFirst()
            } else if character == "\\", let next = rest.popFirst() {
                value.append(next)
                continue
            }
            value.append(character)
        }
        return (key.lowercased(), value)
    }
}

extension InstanceManager {
    /// The instance's settings that lines of a person's win over.
    public func overridden(_ record: InstanceRecord) async -> [String: PersonsSetting] {
        let data = layout.dataDirectory(record.id)
        let names = record.settings.keys.sorted()
        guard !names.isEmpty else { return [:] }
        let found = try? await loop.blocking { () throws(DevError) in
            names.compactMap { name in PersonsSetting.find(name, data: data, isOurs: true).map { (name, $0) } }
        }
        return Dictionary(found ?? [], uniquingKeysWith: { first, _ in first })
    }
}
