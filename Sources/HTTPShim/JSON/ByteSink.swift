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

    /// Lets `write` fill at most so many bytes in place.
    /// - Returns: what it returns: false takes back what it wrote.
    @inline(__always)
    mutating func fill(atMost room: Int, _ write: (UnsafeMutablePointer<UInt8>, inout Int) -> Bool) -> Bool {
        reserve(room)
        var written = 0
        guard write(base + count, &written) else { return false }
        count += written
        return true
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
        var index = copyPlain(text)
        while index < text.count {
            escape(text[index])
            index += 1
            index += copyPlain(UnsafeRawBufferPointer(rebasing: text[index...]))
        }
    }

    /// Copies what stands before the first special byte, sixteen and eight at a time.
    /// - Returns: how many bytes that were.
    @inline(__always)
    private mutating func copyPlain(_ text: UnsafeRawBufferPointer) -> Int {
        reserve(text.count)
        let target = UnsafeMutableRawPointer(base + count)
        var index = 0
        while index + 16 <= text.count {
            let block = text.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
            if JSONBytes.hasSpecial(block) { break }
            target.storeBytes(of: block, toByteOffset: index, as: SIMD2<UInt64>.self)
            index += 16
        }
        while index + 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if JSONBytes.hasSpecial(word) { break }
            target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        if text.count - index < 8, index < text.count, text.count >= 8 {
            // The last eight, some of them for the second time.
            let last = text.count - 8
            let word = text.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            if !JSONBytes.hasSpecial(word) {
                target.storeBytes(of: word, toByteOffset: last, as: UInt64.self)
                index = text.count
            }
        }
        while index < text.count, !JSONBytes.isSpecial(text[index]) {
            target.storeBytes(of: text[index], toByteOffset: index, as: UInt8.self)
            index += 1
        }
        count += index
        return index
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

    /// The same of sixteen.
    @inline(__always)
    static func hasSpecial(_ words: SIMD2<UInt64>) -> Bool {
        let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
        let quote = words ^ SIMD2(repeating: 0x2222_2222_2222_2222)
        let escape = words ^ SIMD2(repeating: 0x5C5C_5C5C_5C5C_5C5C)
        let control = words &- SIMD2(repeating: 0x2020_2020_2020_2020)
        let found = ((quote &- ones) & ~quote) | ((escape &- ones) & ~escape) | (control & ~words)
        return (found.x | found.y) & 0x8080_8080_8080_8080 != 0
    }
}
