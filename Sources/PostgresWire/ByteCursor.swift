/// Reads fields of a message from front to back; every read says nil instead of going past the end.
struct ByteCursor {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - position }
    var isAtEnd: Bool { remaining == 0 }

    mutating func byte() -> UInt8? {
        guard remaining >= 1 else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() -> UInt16? {
        guard remaining >= 2 else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func uint32() -> UInt32? {
        guard let high = peekUInt32() else { return nil }
        position += 4
        return high
    }

    mutating func int32() -> Int32? { uint32().map { Int32(bitPattern: $0) } }

    func peekUInt32() -> UInt32? {
        guard remaining >= 4 else { return nil }
        return bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// A C string: its bytes without the terminator, which must be there.
    mutating func cString() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: 0) else { return nil }
        defer { position = end + 1 }
        return bytes[position..<end]
    }
}

extension [UInt8] {
    mutating func appendUInt16(_ value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func appendUInt32(_ value: UInt32) {
        appendUInt16(UInt16(truncatingIfNeeded: value >> 16))
        appendUInt16(UInt16(truncatingIfNeeded: value))
    }

    mutating func appendInt32(_ value: Int32) { appendUInt32(UInt32(bitPattern: value)) }

    /// Appends up to the first NUL, and a terminator: a NUL inside would shift every field behind it.
    mutating func appendCString(_ text: some Sequence<UInt8>) {
        append(contentsOf: text.prefix { $0 != 0 })
        append(0)
    }

    /// As the other one, and at the cost of a copy: texts of packets that are passed on.
    mutating func appendCString(_ text: [UInt8]) {
        append(contentsOf: text[..<(text.firstIndex(of: 0) ?? text.endIndex)])
        append(0)
    }

    /// Appends a typed message: type, length of what follows the type, body.
    mutating func appendMessage(_ type: UInt8, _ body: (inout [UInt8]) -> Void) {
        append(type)
        appendLengthPrefixed(body)
    }

    /// Appends a length that counts itself, and the body.
    mutating func appendLengthPrefixed(_ body: (inout [UInt8]) -> Void) {
        let start = count
        appendUInt32(0)
        body(&self)
        let length = UInt32(truncatingIfNeeded: count - start)
        for index in 0..<4 { self[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
    }
}
