extension StartupPacket {
    /// The same as reading a packet, dropping foreign parameters, giving the database its name and writing it again, for the
    /// packets that nearly every client sends: protocol 3.0, a user, a database, the usual parameters. In one go over the
    /// bytes, for those who connect for each query.
    /// - Parameters:
    ///   - bytes: the packet, and what came behind it, which is kept.
    ///   - alias: a name of the database that the server knows as `name`.
    /// - Returns: nil: the packet is not of that kind, or not all here; read it by `StartupReader`.
    public static func renamingPlain(_ bytes: [UInt8], _ alias: WireText, to name: WireText) -> [UInt8]? {
        guard let plain = bytes.withUnsafeBytes(plain) else { return nil }
        guard bytes[plain.database].elementsEqual(alias.bytes) else { return bytes }
        let length = plain.length - plain.database.count + name.bytes.count
        guard length <= StartupReader.maximumLength else { return nil }
        var renamed: [UInt8] = []
        renamed.reserveCapacity(bytes.count + name.bytes.count)
        renamed.appendUInt32(UInt32(length))
        renamed += bytes[4..<plain.database.lowerBound]
        renamed += name.bytes
        renamed += bytes[plain.database.upperBound...]
        return renamed
    }

    /// - Returns: where its database is named.
    private static func plain(_ bytes: UnsafeRawBufferPointer) -> (length: Int, database: Range<Int>)? {
        guard bytes.count >= 9 else { return nil }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard length >= 9, length <= StartupReader.maximumLength, bytes.count >= length,
            UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) == 3 << 16, bytes[length - 1] == 0
        else { return nil }
        var rest = bytes[8..<length - 1]
        var database: Range<Int>?
        var hasUser = false
        while !rest.isEmpty {
            guard let name = rest.cutString(), let value = rest.cutString() else { return nil }
            if database == nil, databaseName.bytes.elementsEqual(name) {
                database = value.indices
            } else if !hasUser, userName.bytes.elementsEqual(name) {
                hasUser = true
            } else if !plainSettings.contains(where: { $0.bytes.elementsEqual(name) }) {
                return nil
            }
            // Named, but empty: each has a meaning of its own.
            if value.isEmpty { return nil }
        }
        guard hasUser, let database else { return nil }
        return (length, database)
    }

    /// What nearly every client sets.
    static let plainSettings: [WireText] = [
        "client_encoding", "application_name", "options", "DateStyle", "TimeZone", "extra_float_digits",
    ]
}

extension Slice<UnsafeRawBufferPointer> {
    /// Takes the bytes before the next NUL off, and that NUL; nil when there is none.
    fileprivate mutating func cutString() -> Self? {
        guard let end = firstIndex(of: 0) else { return nil }
        defer { self = self[(end + 1)...] }
        return self[..<end]
    }
}
