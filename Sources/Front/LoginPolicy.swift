internal import Basics
internal import InstanceManager
internal import PostgresWire
internal import Registry

/// Who authenticates a client. Awake, always PostgreSQL: an ALTER ROLE then counts at once. Asleep, the front, so that a
/// wrong password or a port scan wakes nothing.
enum LoginPolicy: Equatable {
    /// The server does; wake it if need be.
    case server
    /// The front, against this verifier; nil: nobody can get in, but that must not show.
    case front(PasswordVerifier?)

    static let owner = "postgres"

    /// - Parameter now: seconds since 1970, as PostgreSQL would read them from the same clock.
    init(_ packet: StartupPacket, _ facts: LoginFacts, now: Double = WallClock.now()) {
        let record = facts.record
        // Broken and what is under way is the manager's to answer; what the last sleep noted may be outdated then.
        guard facts.endpoint == nil, facts.state == .stopped, record.verifierFresh else {
            self = .server
            return
        }
        let name = packet.user.name.string
        if name != Self.owner, record.roles.contains(name) {
            self = .server
        } else if packet.needsNegotiation, Self.newestMinor(record) == nil {
            // What the client is to be told of protocol versions comes before the login, and only the server knows it.
            self = .server
        } else {
            // An expired password is none, as it is to PostgreSQL, which says no more than that it was wrong.
            let holds = name == Self.owner && record.verifierExpires.map { now < $0 } ?? true
            self = .front(holds ? record.verifier.flatMap { PasswordVerifier($0.reveal()) } : nil)
        }
    }

    /// The newest minor version of protocol 3 that the server speaks; nil for one that came after this was written.
    static func newestMinor(_ record: InstanceRecord) -> UInt16? {
        switch record.pgVersion.prefix(while: \.isNumber) {
        case "18": 2
        case "13", "14", "15", "16", "17": 0
        default: nil
        }
    }

    /// For the salt of users that do not exist, where PostgreSQL's own can't be read: always the same for an instance, and
    /// not to be guessed.
    static func mockSecret(_ record: InstanceRecord) -> [UInt8] {
        Array("\(record.id) \(record.createdAt.bitPattern)".utf8)
    }
}
