internal import Basics
internal import DevAPI

/// An instance's facts for people.
enum FactsText {
    /// - Parameter named: it was asked for by name, so the hints need the name too.
    static func up(_ facts: InstanceFacts, colours: Bool, foreground: Bool = false, named: Bool = false) -> String {
        let mark = facts.state == .running ? "✔" : "•"
        let made = facts.created ? ", created" : ""
        var text = "\(mark) \(bold(facts.name, colours)) is \(facts.state.rawValue) (PostgreSQL \(facts.pg)\(made))\n\n"
        text += "  \(facts.url)\n\n"
        text += "  DATABASE_URL=\"\(facts.prismaUrl)\"\n"
        text += "  SHADOW_DATABASE_URL=\"\(facts.shadowUrl)\"\n\n"
        if let reason = facts.frontReason { text += "  Clients go through the pump: \(reason)\n\n" }
        if !facts.pendingRestart.isEmpty {
            text += "  Takes effect after dev stop and dev up: \(facts.pendingRestart.joined(separator: ", "))\n\n"
        }
        let name = named ? " " + facts.name : ""
        text +=
            foreground
            ? "  Ctrl-C stops it; the data stay.\n" : "  Next: dev psql\(name) · dev env\(name) --write .env · dev stop\(name)\n"
        return text
    }

    static func status(_ facts: InstanceFacts, colours: Bool) -> String {
        var rows: [(String, String)] = [
            ("state", facts.state.rawValue + (facts.pid.map { " (pid \($0))" } ?? "")), ("postgres", facts.pg), ("url", facts.url),
            ("prisma", facts.prismaUrl), ("shadow", facts.shadowUrl), ("http", facts.httpUrl), ("profile", facts.profile),
            ("idle", facts.idle), ("data", facts.dataDirectory), ("created", facts.createdAt),
        ]
        if let front = facts.front {
            rows.append(("front", front + (facts.frontReason.map { " (\($0))" } ?? "")))
            rows.append(("sessions", String(facts.sessions)))
        }
        if let cache = facts.cache { rows.append(("cache", text(cache))) }
        if let limits = facts.limits { rows.append(("limits", text(limits))) }
        if let chaos = facts.chaos {
            rows.append(
                (
                    "chaos",
                    text(chaos) + " (ends with \(chaos.keys.sorted().map { "dev config unset chaos." + $0 }.joined(separator: "; ")))"
                ))
        }
        if let project = facts.project { rows.append(("project", project)) }
        if !facts.pendingRestart.isEmpty {
            rows.append(("pending", facts.pendingRestart.joined(separator: ", ") + " (dev stop && dev up)"))
        }
        var text = bold(facts.name, colours) + "\n"
        for (key, value) in rows { text += "  " + key + String(repeating: " ", count: 10 - key.count) + value + "\n" }
        if let reason = facts.reason {
            text += "  reason    " + reason.split(separator: "\n").joined(separator: "\n            ") + "\n"
        }
        return text
    }

    private static func text(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func text(_ cache: CacheFacts) -> String {
        "\(cache.entries) \(cache.entries == 1 ? "answer" : "answers"), \(size(cache.bytes)) of \(size(cache.capacity)); \(cache.hits) hits, \(cache.stale) stale, "
            + "\(cache.misses) misses"
    }

    private static func size(_ bytes: Int) -> String { bytes < 10 << 20 ? "\((bytes + 1023) >> 10) KiB" : "\(bytes >> 20) MiB" }

    static func list(_ all: [InstanceFacts], colours: Bool) -> String {
        let rows = all.map { [$0.name, $0.state.rawValue + ($0.lacksPort ? ", port taken" : ""), $0.pg, String($0.port), $0.idle, $0.url] }
        return Table.text(["NAME", "STATE", "POSTGRES", "PORT", "IDLE", "URL"], rows, colours: colours)
    }

    private static func bold(_ text: String, _ colours: Bool) -> String { colours ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
}
