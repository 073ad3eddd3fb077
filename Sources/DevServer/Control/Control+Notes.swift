internal import Basics
internal import InstanceManager
internal import Registry

/// What a person is told beside the answer: URLs are written down in many places, and none of those knows.
extension Control {
    /// - Parameter before: the ports that it had.
    static func notes(_ record: InstanceRecord, before: [PortRecord]) -> [String] {
        PortRecord.Kind.allCases.compactMap { kind in
            let last = before.first { $0.kind == kind }?.port
            let now = record.ports.first { $0.kind == kind }?.port
            guard let last, last != now else { return nil }
            let url =
                switch kind {
                case .main: "URL"
                case .shadow: "shadow URL"
                case .http: "HTTP URL"
                }
            return "The \(url) of \(record.name) has changed: it had port \(last), and has \(now.map { "\($0)" } ?? "the daemon's") now"
        }
    }

    /// Trouble on purpose is easily forgotten, and then looked for elsewhere.
    static func noteOnChaos(_ record: InstanceRecord) -> String? {
        let keys = record.http.keys.filter { $0.hasPrefix("chaos.") }.sorted()
        guard !keys.isEmpty else { return nil }
        let said = keys.map { "\($0) \(record.http[$0] ?? "")" }.joined(separator: ", ")
        let ways = keys.map { "dev config unset \($0) -n \(record.name)" }.joined(separator: "; ")
        return "Prisma's clients of \(record.name) are troubled on purpose: \(said). It ends with \(ways)"
    }

    static func oldPassword(_ record: InstanceRecord) -> String {
        "The password in the URLs of \(record.name) is not that of postgres in its server any more: it was changed there or has expired. "
            + "Run dev config set password VALUE -n \(record.name) with the one that is to hold"
    }

    /// Ports that were asked for and belong to what is in the trash.
    static func notes(
        on asked: [PortRecord.Kind: UInt16], of record: InstanceRecord, in manager: InstanceManager
    ) async -> [String] {
        let main = asked[.main]
        let asked = Set(asked.values.filter { $0 != 0 })
        guard !asked.isEmpty, let trash = try? await manager.trash() else { return [] }
        return trash.filter { $0.instance.id != record.id }.flatMap { item in
            item.instance.ports.filter { asked.contains($0.port) }.map { had in
                let isShadows = had.kind == .shadow && had.port == main
                return "Port \(had.port) was that of \(item.instance.name), which is in the trash and would come back with another"
                    + (isShadows ? ". It was its shadow database's: whoever still has that URL empties what is there now" : "")
            }
        }
    }
}
