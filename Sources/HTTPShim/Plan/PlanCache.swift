internal import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Plans by the bytes they came as: a call site sends the same ones again and again. Bounded; what was not used for longest
/// goes first.
struct PlanCache {
    static let limit = 500
    /// Larger plans, which carry their data in them, are not kept.
    static let largest = 256 << 10
    /// Of all kept plans together; decoded they take some ten times that.
    static let room = 2 << 20

    /// By the digest of the bytes; of two with one digest the later stays.
    private var plans: [UInt64: Entry] = [:]
    /// Digests of plans by their first bytes, those used last first.
    private var heads: [UInt64: [UInt64]] = [:]
    private var uses: UInt64 = 0
    private var size = 0

    private struct Entry {
        let bytes: [UInt8]
        let plan: Plan
        var use: UInt64
        let head: UInt64

        func isPrefix(of other: UnsafeRawBufferPointer) -> Bool {
            guard other.count >= bytes.count, let base = other.baseAddress else { return bytes.isEmpty }
            return bytes.withUnsafeBytes { own in own.baseAddress.map { memcmp($0, base, own.count) == 0 } ?? true }
        }
    }

    /// Bytes by which plans are looked for before their end is known, and plans tried.
    private static let headLength = 256
    private static let tries = 8

    /// A plan that has come before, told by the bytes it begins with: a complete object ends where it ends.
    mutating func recognise(_ bytes: UnsafeRawBufferPointer) -> (plan: Plan, length: Int)? {
        guard let head = PlanCache.head(bytes), let candidates = heads[head] else { return nil }
        for (place, digest) in candidates.prefix(PlanCache.tries).enumerated() {
            guard let entry = plans[digest], entry.isPrefix(of: bytes) else { continue }
            uses += 1
            plans[digest]?.use = uses
            if place > 0 {
                heads[head]?.remove(at: place)
                heads[head]?.insert(digest, at: 0)
            }
            return (entry.plan, entry.bytes.count)
        }
        return nil
    }

    /// nil for what is too short to be told apart by it.
    private static func head(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        bytes.count < headLength ? nil : ByteDigest.of(UnsafeRawBufferPointer(rebasing: bytes[..<headLength]))
    }

    mutating func plan(_ bytes: UnsafeBufferPointer<UInt8>) throws(PlanFailure) -> Plan {
        guard bytes.count <= PlanCache.largest else { return try PlanCache.decode(bytes) }
        let raw = UnsafeRawBufferPointer(bytes)
        let digest = ByteDigest.of(raw)
        uses += 1
        if let entry = plans[digest], entry.bytes.count == raw.count, entry.isPrefix(of: raw) {
            plans[digest]?.use = uses
            return entry.plan
        }
        let plan = try PlanCache.decode(bytes)
        remove(digest)
        size += bytes.count
        while plans.count >= PlanCache.limit || size > PlanCache.room, let oldest = plans.min(by: { $0.value.use < $1.value.use })?.key {
            remove(oldest)
        }
        let head = PlanCache.head(raw)
        plans[digest] = Entry(bytes: Array(bytes), plan: plan, use: uses, head: head ?? 0)
        if let head { heads[head, default: []].insert(digest, at: 0) }
        return plan
    }

    private mutating func remove(_ digest: UInt64) {
        guard let entry = plans.removeValue(forKey: digest) else { return }
        size -= entry.bytes.count
        heads[entry.head]?.removeAll { $0 == digest }
        if heads[entry.head]?.isEmpty == true { heads[entry.head] = nil }
    }

    private static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(PlanFailure) -> Plan {
        var scanner = JSONScanner(bytes)
        let json: JSON
        do throws(JSONFailure) { json = try scanner.value() } catch { throw .plain("Malformed query plan: \(error.message)") }
        return try PlanDecoder.decode(json)
    }
}
