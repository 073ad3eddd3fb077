public import Basics
public import Registry

/// Who really holds the ports: the front, which binds them for as long as the daemon runs. An allocation counts
/// only when the bind has succeeded.
public protocol PortBinder: Sendable {
    /// Binds the record's ports on 127.0.0.1 and ::1 and begins to take clients. Binding what is already bound for
    /// the same instance and ports is done.
    /// - Throws: `port-taken` whose object is the port in digits; then none of the record's ports is bound.
    func bind(_ record: InstanceRecord) async throws(DevError)
    /// Binds each of the record's ports that can be had, for an instance whose ports are its own already: one that somebody
    /// else has must not keep clients from the others. Ask again for the rest.
    /// - Returns: why those that are missing can't be had, as `bind` would throw it, in the record's order.
    func bindAvailable(_ record: InstanceRecord) async -> [DevError]
    /// Lets go of all ports of an instance and ends its sessions.
    func release(_ id: String) async
}

/// Which ports an instance gets (prisma-dev-cli.md §7): an asked one is never moved; else the one that it had last,
/// else the default, else the first free from 51217 up, of each two the first for the database and the second for the shadow. 51213 is the daemon's HTTP port, and 51216 prisma dev's streams.
struct PortRules: Sendable {
    static let firstFree: UInt16 = 51_217
    static let defaults: [PortRecord.Kind: UInt16] = [.main: 51_214, .shadow: 51_215]

    /// Ports of other instances, and of the daemon itself.
    var claims: [UInt16: String]
    /// Ports of what is in the trash: given to others when they are asked for, or when there is no other.
    var kept: Set<UInt16> = []
    /// Where shadow databases were: those of the trash, and the instance's own. Old URLs of them lie in people's files, and whoever
    /// connects to one empties what is there. So no main database gets such a port but by its number.
    var shadows: Set<UInt16> = []

    /// How an instance gets a port that is free.
    static func otherPort(_ name: InstanceName, _ kind: PortRecord.Kind) -> String {
        switch kind {
        case .main: "Run dev up \(name) --db-port 0 to take any free port"
        case .shadow: "Run dev up \(name) --shadow-db-port 0 to take any free port"
        case .http: "Run dev up \(name) --port 0 to take the daemon's port"
        }
    }

    /// Checks an asked port.
    func check(_ port: UInt16, _ kind: PortRecord.Kind, name: InstanceName, asked: [UInt16]) throws(DevError) {
        if asked.contains(port) {
            throw DevError(
                .usage, "Port \(port) is asked for twice", object: String(port),
                help: "Give --port, --db-port and --shadow-db-port different numbers")
        }
        if let owner = claims[port] {
            throw DevError(
                .portTaken, "Port \(port) belongs to \(owner)", object: String(port), help: PortRules.otherPort(name, kind))
        }
        if UnsafePorts.contains(port) {
            throw DevError(
                .portTaken, "Port \(port) is reserved for something else", object: String(port),
                cause: "browsers and other programs refuse to connect to it", help: "Choose a port above 10080")
        }
    }

    /// Ports to try for one kind when none is asked for, best first; the caller tries them by binding.
    /// - Parameters:
    ///   - last: the port that the instance had.
    ///   - standard: whether the default is among them.
    func candidates(_ kind: PortRecord.Kind, last: UInt16?, standard: Bool = true, taken: Set<UInt16>) -> [UInt16] {
        var result: [UInt16] = []
        func add(_ port: UInt16, lasting: Bool = true) {
            guard kind != .main || !shadows.contains(port), claims[port] == nil, lasting != kept.contains(port), !taken.contains(port),
                !result.contains(port),
                !UnsafePorts.contains(port)
            else { return }
            result.append(port)
        }
        if let last { add(last) }
        if standard, let port = PortRules.defaults[kind] { add(port) }
        let highest = max(claims.keys.max() ?? 0, PortRules.firstFree)
        let end = UInt16(min(65_535, Int(highest) + 100))
        // Pairs: the first of each is for main databases, the second for shadows, also when a neighbour is taken. So what was given
        // to a shadow once, and is no longer remembered, comes to no main database either.
        let first = PortRules.firstFree + (kind == .shadow ? 1 : 0)
        for port in stride(from: first, through: end, by: 2) { add(port) }
        for port in stride(from: first, through: 65_535, by: 2) where port > end && result.count < 64 { add(port) }
        for port in kept.sorted() { add(port, lasting: false) }
        return result
    }
}

/// The Fetch standard's "bad ports" above 1023, and all below: what browsers refuse, and what is the system's.
enum UnsafePorts {
    private static let high: Set<UInt16> = [
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
    ]
    static func contains(_ port: UInt16) -> Bool { port < 1024 || high.contains(port) }
}
