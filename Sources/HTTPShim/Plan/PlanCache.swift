/// Plans by the bytes they came as: a call site sends the same ones again and again. Bounded; what was not used for longest
/// goes first.
struct PlanCache {
    static let limit = 500
    /// Larger plans, which carry their data in them, are not kept.
    static let largest = 256 << 10
    /// Of all kept plans together; decoded they take some ten times that.
    static let room = 2 << 20

    private var plans: [Key: (plan: Plan, use: UInt64)] = [:]
    private var uses: UInt64 = 0
    private var size = 0

    /// Bytes with a hash of their own: SipHash over some kilobytes would cost more than all the rest.
    private struct Key: Hashable {
        let bytes: [UInt8]
        let digest: UInt64

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            self.bytes = Array(bytes)
            digest = Key.digest(bytes)
        }

        static func == (left: Key, right: Key) -> Bool { left.digest == right.digest && left.bytes == right.bytes }
        func hash(into hasher: inout Hasher) { hasher.combine(digest) }

        private static func digest(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
            var value: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
            let raw = UnsafeRawBufferPointer(bytes)
            var index = 0
            while index + 8 <= raw.count {
                value = (value ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
                value ^= value >> 32
                index += 8
            }
            while index < raw.count {
                value = (value ^ UInt64(raw[index])) &* 0xff51_afd7_ed55_8ccd
                index += 1
            }
            return value ^ value >> 29
        }
    }

    mutating func plan(_ bytes: UnsafeBufferPointer<UInt8>) throws(PlanFailure) -> Plan {
        guard bytes.count <= PlanCache.largest else { return try PlanCache.decode(bytes) }
        let key = Key(bytes)
        uses += 1
        if let index = plans.index(forKey: key) {
            plans.values[index].use = uses
            return plans.values[index].plan
        }
        let plan = try PlanCache.decode(bytes)
        size += bytes.count
        while plans.count >= PlanCache.limit || size > PlanCache.room, let oldest = plans.min(by: { $0.value.use < $1.value.use })?.key {
            plans[oldest] = nil
            size -= oldest.bytes.count
        }
        plans[key] = (plan, uses)
        return plan
    }

    private static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(PlanFailure) -> Plan {
        var scanner = JSONScanner(bytes)
        let json: JSON
        do throws(JSONFailure) { json = try scanner.value() } catch { throw .plain("Malformed query plan: \(error.message)") }
        return try PlanDecoder.decode(json)
    }
}
