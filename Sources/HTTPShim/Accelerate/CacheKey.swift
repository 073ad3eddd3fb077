/// What an answer depends on: instance, database, plan, parameters. Comments don't change it, nor does how long it is kept.
struct CacheKey: Hashable {
    let instance: String
    let database: String
    /// The plan, a NUL, the parameters, as they came.
    let bytes: [UInt8]
    let digest: UInt64

    init(instance: String, database: String, plan: some Collection<UInt8>, parameters: some Collection<UInt8>) {
        self.instance = instance
        self.database = database
        var bytes: [UInt8] = []
        bytes.reserveCapacity(plan.count + parameters.count + 1)
        bytes.append(contentsOf: plan)
        bytes.append(0)
        bytes.append(contentsOf: parameters)
        self.bytes = bytes
        digest = CacheKey.digest(bytes)
    }

    static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.digest == right.digest && left.instance == right.instance && left.database == right.database && left.bytes == right.bytes
    }
    func hash(into hasher: inout Hasher) { hasher.combine(digest) }

    /// FNV-1a over words of eight bytes, and a last mix.
    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var value: UInt64 = 0xcbf2_9ce4_8422_2325
            var index = 0
            while index + 8 <= raw.count {
                value = (value ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x0000_0100_0000_01b3
                value ^= value >> 29
                index += 8
            }
            while index < raw.count {
                value = (value ^ UInt64(raw[index])) &* 0x0000_0100_0000_01b3
                index += 1
            }
            return value ^ value >> 32
        }
    }
}
