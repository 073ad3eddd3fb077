/// The usual cells of the usual types, from libpq's memory straight into the answer.
enum CellWriter {
    /// - Returns: false when this cell goes the long way; nothing is written then.
    @inline(__always)
    static func write(_ bytes: UnsafeRawBufferPointer?, _ reader: CellReader, _ field: FieldStructure, into writer: inout JSONWriter)
        -> Bool
    {
        guard let bytes else {
            if field.isList { writer.raw("[]") } else { writer.null() }
            return true
        }
        guard !field.isList, !reader.isArray else { return false }
        switch (field.kind, reader.kind) {
        case (.int, .int):
            // PostgreSQL's digits are JSON's.
            writer.bytes.append(contentsOf: bytes)
        case (.string, .text), (.string, .uuid): writer.string(bytes)
        case (.boolean, .bool): writer.bool(bytes.first == UInt8(ascii: "t"))
        case (.bigint, .bigint):
            writer.raw("{\"$type\":\"BigInt\",\"value\":\"")
            writer.bytes.append(contentsOf: bytes)
            writer.raw("\"}")
        case (.float, .double), (.float, .float):
            guard isPlainNumber(bytes) else { return false }
            writer.bytes.append(contentsOf: bytes)
        case (.decimal, .numeric):
            guard isPlainNumber(bytes) else { return false }
            writer.raw("{\"$type\":\"Decimal\",\"value\":\"")
            writer.bytes.append(contentsOf: bytes)
            writer.raw("\"}")
        case (.datetime, .timestamp), (.datetime, .timestamptz): return instant(bytes, into: &writer)
        default: return false
        }
        return true
    }

    /// Digits with a point inside that JavaScript writes the same way: at most 15, no zero at either end.
    private static func isPlainNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = bytes.first == UInt8(ascii: "-") ? 1 : 0
        let start = index
        guard bytes.count - index <= 16, index < bytes.count else { return false }
        var point = -1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard point < 0 else { return false }
                point = index
            } else if byte < 0x30 || byte > 0x39 {
                return false
            }
            index += 1
        }
        // "-0" and "0.000…1" go the long way.
        if bytes[start] == 0x30 {
            return start == 0 && (bytes.count == 1 || (point == 1 && bytes.count > 2 && bytes[2] != 0x30 && bytes[index - 1] != 0x30))
        }
        return point < 0 || (point > start && bytes[index - 1] != 0x30 && point != index - 1)
    }

    /// `2024-01-02 03:04:05[.678901][+00]` with a year of four digits.
    private static func instant(_ bytes: UnsafeRawBufferPointer, into writer: inout JSONWriter) -> Bool {
        guard bytes.count >= 19, bytes[4] == UInt8(ascii: "-"), bytes[10] == 0x20, bytes[13] == UInt8(ascii: ":") else { return false }
        var milliseconds: (UInt8, UInt8, UInt8) = (0x30, 0x30, 0x30)
        var index = 19
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            var digit = 0
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                switch digit {
                case 0: milliseconds.0 = bytes[index]
                case 1: milliseconds.1 = bytes[index]
                case 2: milliseconds.2 = bytes[index]
                default: break
                }
                digit += 1
                index += 1
            }
        }
        guard index == bytes.count || (bytes.count - index == 3 && bytes[index...].elementsEqual("+00".utf8)) else { return false }
        writer.raw("{\"$type\":\"DateTime\",\"value\":\"")
        writer.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<10]))
        writer.byte(UInt8(ascii: "T"))
        writer.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[11..<19]))
        writer.byte(UInt8(ascii: "."))
        writer.byte(milliseconds.0)
        writer.byte(milliseconds.1)
        writer.byte(milliseconds.2)
        writer.raw("Z\"}")
        return true
    }
}
