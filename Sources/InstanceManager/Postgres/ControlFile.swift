/// The part of `global/pg_control` that says how a cluster was left (src/include/catalog/pg_control.h: system
/// identifier 8 bytes, two versions of 4, then the state; the same in every version since 8.3).
enum ControlFile {
    /// A shutdown checkpoint was written and nothing after it.
    static func wasShutDown(_ dataDirectory: String) -> Bool {
        guard let bytes = Paths.read(dataDirectory + "/global/pg_control", limit: 8192), bytes.count >= 20 else { return false }
        let state = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt32.self) }
        return state == 1 || state == 2
    }
}
