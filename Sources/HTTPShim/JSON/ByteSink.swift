#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The bytes of an answer with rows while it is written. In memory of its own: an array would be checked for its only owner
/// at each of some ten thousand appends.
struct ByteSink: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 1_024) {
        base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { base.deallocate() }

    /// - Parameter extra: room for what will be written behind them.
    func copied(extra: Int = 0) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count + extra) { space, filled in
            if let target = space.baseAddress { memcpy(target, base, count) }
            filled = count
        }
    }

    var bytes: [UInt8] { copied() }

    /// Takes back what was written behind that count.
    mutating func truncate(to count: Int) { self.count = min(count, self.count) }

    @inline(__always)
    private mutating func reserve(_ more: Int) { if capacity - count < more { grow(more) } }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        (base, capacity) = (moved, larger)
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        guard let start = bytes.baseAddress else { return }
        // Most pieces are keys and short cells; a call would cost more than the copy.
        let target = UnsafeMutableRawPointer(base + count)
        if bytes.count > 16 {
            memcpy(target, start, bytes.count)
        } else if bytes.count >= 8 {
            let last = bytes.count - 8
            let (head, tail) = (start.loadUnaligned(as: UInt64.self), start.loadUnaligned(fromByteOffset: last, as: UInt64.self))
            target.storeBytes(of: head, as: UInt64.self)
            target.storeBytes(of: tail, toByteOffset: last, as: UInt64.self)
        } else if bytes.count >= 4 {
            let last = bytes.count - 4
            let (head, tail) = (start.loadUnaligned(as: UInt32.self), start.loadUnaligned(fromByteOffset: last, as: UInt32.self))
            target.storeBytes(of: head, as: UInt32.self)
            target.storeBytes(of: tail, toByteOffset: last, as: UInt32.self)
        } else {
            for index in 0..<bytes.count { base[count + index] = bytes[index] }
        }
        count += bytes.count
    }

    @inline(__always)
    mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) { append(UnsafeRawBufferPointer(rebasing: bytes)) }

    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    @inline(__always)
    mutating func raw(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func null() { raw("null") }

    mutating func string(_ text: UnsafeRawBufferPointer) {
        byte(UInt8(ascii: "\""))
        characters(text)
        byte(UInt8(ascii: "\""))
    }

    /// UTF-8 inside a JSON string, escaped as `JSON.stringify` does.
    mutating func characters(_ text: UnsafeRawBufferPointer) {
        var start = 0
        var index = 0
        while index < text.count {
            while index + 8 <= text.count, !JSONBytes.hasSpecial(text.loadUnaligned(fromByteOffset: index, as: UInt64.self)) { index += 8 }
            let stop = min(text.count, index + 8)
            while index < stop, !JSONBytes.isSpecial(text[index]) { index += 1 }
            guard index < stop else { continue }
            append(text[start..<index])
            escape(text[index])
            index += 1
            start = index
        }
        append(text[start...])
    }

    private mutating func escape(_ special: UInt8) {
        var writer = JSONWriter()
        writer.escape(special)
        append(writer.bytes)
    }
}

/// What stands in JSON strings otherwise than as itself.
enum JSONBytes {
    @inline(__always)
    static func isSpecial(_ byte: UInt8) -> Bool { byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") }

    /// Whether one of eight bytes is special: the high bit of each that is below 0x20, or zero once it is compared (Mycroft's
    /// test of a word for a zero byte).
    @inline(__always)
    static func hasSpecial(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let escape = word ^ (ones &* 0x5C)
        let found = ((quote &- ones) & ~quote) | ((escape &- ones) & ~escape) | ((word &- ones &* 0x20) & ~word)
        return found & 0x8080_8080_8080_8080 != 0
    }
}
