internal import Basics
internal import InstanceManager
internal import Registry

/// The HTTP port that URLs have been printed with, and where the daemon went when somebody else had it.
struct HTTPPortMemory: Sendable {
    private static let settled = "http-port"
    private static let meanwhile = "http-port.meanwhile"

    /// What to try, best first.
    let last: [UInt16]
    private let home: UInt16?
    private let refuge: UInt16?

    init(_ registry: Registry) throws(DevError) {
        home = try registry.setting(Self.settled).flatMap { UInt16($0) }
        refuge = try registry.setting(Self.meanwhile).flatMap { UInt16($0) }
        last = [home, refuge].compactMap { $0 }
    }

    /// Writes down which port was had. The one before stays the daemon's, to be taken back at a later start.
    /// - Parameter chosen: a person wants this one.
    /// - Returns: why it is another than before, for a person.
    func note(_ port: UInt16, chosen: Bool, _ registry: Registry) throws(DevError) -> String? {
        guard let home, port != home, !chosen else {
            if port != home { try registry.set(Self.settled, String(port)) }
            if refuge != nil { try registry.set(Self.meanwhile, nil) }
            guard let old = refuge ?? home, old != port else { return nil }
            return "The HTTP port is \(port), and was \(old) until this start"
        }
        if port != refuge { try registry.set(Self.meanwhile, String(port)) }
        let holder = PortHolder.describe(home) ?? "another program"
        return "The HTTP port is \(port): \(home), which it had, was used by \(holder) at the daemon's start"
    }
}
