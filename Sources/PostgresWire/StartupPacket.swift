/// The packet that opens a session: protocol version and parameters, in the client's order, duplicates kept.
public struct StartupPacket: Sendable, Equatable {
    public struct Parameter: Sendable, Equatable {
        public var name: WireText
        public var value: WireText
        public init(_ name: WireText, _ value: WireText) {
            self.name = name
            self.value = value
        }

        /// Of the protocol and not of the server: `_pq_.` and a name. No PostgreSQL up to 18 knows one.
        var isProtocolOption: Bool { name.bytes.starts(with: StartupPacket.protocolOption) }
    }

    /// What `replication=` asks for.
    public enum Replication: Sendable, Equatable {
        case no
        /// The database parameter is ignored.
        case physical
        /// A walsender in a database (`replication=database`).
        case logical
    }

    /// Of protocol 3: 0 for 3.0. Higher ones and `_pq_.` options are passed on: the server negotiates them.
    public var minorVersion: UInt16
    public var parameters: [Parameter]
    public private(set) var replication: Replication

    /// For the client's side.
    public init(
        user: WireText, database: WireText? = nil, _ others: [Parameter] = [], minorVersion: UInt16 = 0,
        replication: Replication = .no
    ) {
        self.minorVersion = minorVersion
        self.replication = replication
        parameters = [Parameter("user", user)]
        if let database { parameters.append(Parameter("database", database)) }
        switch replication {
        case .no: break
        case .physical: parameters.append(Parameter("replication", "true"))
        case .logical: parameters.append(Parameter("replication", "database"))
        }
        parameters += others
    }

    /// The last one of that name counts, as in PostgreSQL.
    public subscript(name: WireText) -> WireText? { parameters.last { $0.name == name }?.value }

    public var user: WireText { self[Self.userName] ?? "" }
    /// An absent or empty database means the one named like the user.
    public var database: WireText {
        guard let database = self[Self.databaseName], !database.isEmpty else { return user }
        return database
    }

    // Made once: each literal of this type is an array of its own.
    static let userName: WireText = "user"
    static let databaseName: WireText = "database"
    static let replicationName: WireText = "replication"
    fileprivate static let protocolOption = Array("_pq_.".utf8)

    /// The client wants a newer minor version or protocol options: PostgreSQL may answer NegotiateProtocolVersion.
    public var needsNegotiation: Bool { minorVersion > 0 || parameters.contains(where: \.isProtocolOption) }

    /// The whole packet; may be longer than a server takes if parameters were added: see `isTooLong`.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        bytes.appendLengthPrefixed {
            $0.appendUInt16(3)
            $0.appendUInt16(minorVersion)
            for parameter in parameters {
                $0.appendCString(parameter.name.bytes)
                $0.appendCString(parameter.value.bytes)
            }
            $0.append(0)
        }
        return bytes
    }

    /// Whether a server would refuse the length (a longer database name may do that to a packet that was just in).
    public var isTooLong: Bool { length > StartupReader.maximumLength }

    private var length: Int { parameters.reduce(9) { $0 + $1.name.bytes.count + $1.value.bytes.count + 2 } }
}

extension StartupPacket {
    /// - Parameters:
    ///   - version: the word behind the length.
    ///   - cursor: behind that word; it covers the packet alone.
    init(version: UInt32, _ cursor: inout ByteCursor) throws(StartupRefusal) {
        let major = UInt16(version >> 16)
        minorVersion = UInt16(truncatingIfNeeded: version)
        guard major == 3 else { throw .unsupportedProtocol(major: major, minor: minorVersion) }
        parameters = []
        replication = .no
        var terminated = false
        while !cursor.isAtEnd {
            // PostgreSQL looks whether it has come to the last byte, not what that is.
            terminated = cursor.remaining == 1
            guard !terminated, let name = cursor.cString(), !name.isEmpty else { break }
            guard let value = cursor.cString() else { break }
            let parameter = Parameter(WireText(name), WireText(value))
            if parameter.name == Self.replicationName {
                guard let wanted = Replication(parameter.value) else {
                    throw .fatal(.invalidReplication(parameter.value))
                }
                // As PostgreSQL: once "database" has been said, a later true does not take the database away.
                replication = wanted == .physical && replication == .logical ? .logical : wanted
            }
            parameters.append(parameter)
        }
        guard terminated else { throw .fatal(.startupNotTerminated) }
        guard !user.isEmpty else { throw .fatal(.noUserName) }
    }
}

extension StartupPacket.Replication {
    /// PostgreSQL's `parse_bool`: any unambiguous beginning of true, false, yes, no, on, off, in any case; 1, 0.
    init?(_ value: WireText) {
        if value == "database" {
            self = .logical
            return
        }
        let text = value.string.lowercased()
        func begins(_ word: String, atLeast count: Int = 1) -> Bool { text.utf8.count >= count && word.hasPrefix(text) }
        if begins("true") || begins("yes") || begins("on", atLeast: 2) || text == "1" {
            self = .physical
        } else if begins("false") || begins("no") || begins("off", atLeast: 2) || text == "0" {
            self = .no
        } else {
            return nil
        }
    }
}
