internal import Basics
internal import DevAPI
internal import InstanceManager
internal import Registry

extension InstanceFacts {
    /// - Parameter daemonPort: the HTTP port of an instance that has none of its own.
    init(_ status: InstanceStatus, layout: HomeLayout, daemonPort: UInt16, created: Bool, notes: [String], cache: CacheFacts?) {
        let record = status.record
        func port(_ kind: PortRecord.Kind) -> UInt16? { record.ports.first { $0.kind == kind }?.port }
        let main = port(.main) ?? 0
        let shadow = port(.shadow) ?? 0
        let http = port(.http) ?? daemonPort
        let urls = ConnectionURLs(name: record.name, password: record.password, port: main, shadowPort: shadow, httpPort: http)
        var front: String?
        var frontReason: String?
        switch status.passage {
        case .handoff?: front = "handoff"
        case .pump(_, let reason)?:
            front = "pump"
            // Asked for with --front pump, it needs no reason.
            frontReason = record.front == "pump" || reason.isEmpty ? nil : reason
        case nil: break
        }
        self.init(
            name: record.name.text, state: status.state, pg: record.pgVersion, url: urls.plain, prismaUrl: urls.prisma,
            shadowUrl: urls.shadow, prismaPostgresUrl: urls.prismaPostgres, httpUrl: urls.http, port: Int(main), shadowPort: Int(shadow),
            httpPort: Int(http), pid: status.pid.map { Int($0) }, dataDirectory: layout.dataDirectory(record.id), idle: record.idle.text,
            createdAt: Timestamp.text(record.createdAt), profile: record.profile, front: front, frontReason: frontReason,
            sessions: status.sessions, project: record.project, reason: status.reason, user: ConnectionURLs.user,
            password: record.password.reveal(), database: ConnectionURLs.database, created: created, pendingRestart: status.pendingRestart,
            bin: record.pgBin, notes: notes, cache: cache,
            limits: Self.part("limits.", of: record.http), chaos: Self.part("chaos.", of: record.http))
    }

    /// Without the keys' common beginning; nil for none.
    private static func part(_ prefix: String, of values: [String: String]) -> [String: String]? {
        let pairs = values.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.utf8.count)), $0.value) }
        return pairs.isEmpty ? nil : Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}

enum Timestamp {
    /// RFC 3339 in UTC with whole seconds, by the civil calendar's arithmetic (no time zone files are read).
    static func text(_ seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e11 else { return "1970-01-01T00:00:00Z" }
        let total = Int(seconds.rounded(.down))
        let day = total >= 0 ? total / 86_400 : -((86_399 - total) / 86_400)
        let rest = total - day * 86_400
        // Days since 0000-03-01, in eras of 400 years.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let years = String(year)
        return String(repeating: "0", count: max(0, 4 - years.count)) + years
            + "-\(two(civilMonth))-\(two(dayOfYear - (153 * month + 2) / 5 + 1))"
            + "T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
