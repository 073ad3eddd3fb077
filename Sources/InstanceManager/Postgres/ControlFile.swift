/// What can be read in `global/pg_control` while the server is down.
public enum ControlFile {
    /// How the cluster was left (src/include/catalog/pg_control.h: system identifier 8 bytes, two versions of 4, then the
    /// state; the same in every version since 8.3).
    /// - Returns: whether a shutdown checkpoint was written and nothing after it.
    static func wasShutDown(_ dataDirectory: String) -> Bool {
        guard let bytes = read(dataDirectory), bytes.count >= 20 else { return false }
        let state = word(bytes, at: 16)
        return state == 1 || state == 2
    }

    /// `mock_authentication_nonce`, from which PostgreSQL makes the salts of users that do not exist. Its place differs between
    /// versions, but it is the last field before the file's CRC-32C, which is found by being right. Blocks.
    /// - Returns: 32 bytes; nil when the file can't be read or is of a version that we do not know.
    public static func mockNonce(_ dataDirectory: String) -> [UInt8]? {
        guard let bytes = read(dataDirectory), bytes.count >= 512 else { return nil }
        // From 18 on a boolean stands before the nonce, and three bytes fill up to the checksum.
        let version = word(bytes, at: 8)
        guard version >= 1_300, version <= 1_800 else { return nil }
        let padding = version >= 1_800 ? 3 : 0
        var sum: UInt32 = .max
        for end in 0..<508 {
            if end >= 200, end % 4 == 0, word(bytes, at: end) == ~sum { return Array(bytes[(end - padding - 32)..<(end - padding)]) }
            sum = table[Int(UInt8(truncatingIfNeeded: sum) ^ bytes[end])] ^ (sum >> 8)
        }
        return nil
    }

    private static func read(_ dataDirectory: String) -> [UInt8]? { Paths.read(dataDirectory + "/global/pg_control", limit: 8192) }

    /// In the machine's order, as PostgreSQL writes it.
    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }

    /// CRC-32C (Castagnoli), reflected.
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
    }
}
