internal import Basics

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
        digest = bytes.withUnsafeBytes { ByteDigest.of($0) }
    }

    static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.digest == right.digest && left.instance == right.instance && left.database == right.database && left.bytes == right.bytes
    }
    func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
