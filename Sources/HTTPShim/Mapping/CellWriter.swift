/// How the cells of a field are written; found once for a result's columns.
struct CellForm {
    enum Kind: UInt8 {
        /// PostgreSQL's digits are JSON's.
        case digits
        case string, bool, bigint, float, decimal, instant, json, strings, integers
        /// The long way.
        case other
    }

    let kind: Kind
    /// NULL is an empty list.
    let isList: Bool

    init(_ field: FieldStructure, _ reader: CellReader, isJSONB: Bool) {
        isList = field.isList
        guard field.isList == reader.isArray else {
            kind = .other
            return
        }
        kind =
            switch (field.kind, reader.kind, field.isList) {
            case (.int, .int, false): .digits
            case (.int, .int, true): .integers
            case (.string, .text, false), (.string, .uuid, false): .string
            case (.string, .text, true), (.string, .uuid, true): .strings
            case (.boolean, .bool, false): .bool
            case (.bigint, .bigint, false): .bigint
            case (.float, .double, false), (.float, .float, false): .float
            case (.decimal, .numeric, false): .decimal
            case (.datetime, .timestamp, false), (.datetime, .timestamptz, false): .instant
            case (.json, .json, false) where isJSONB: .json
            default: .other
            }
    }
}

/// The usual cells of the usual types, from libpq's memory straight into the answer.
enum CellWriter {
    /// - Returns: false when this cell goes the long way; nothing is written then.
    @inline(__always)
    static func write(_ bytes: UnsafeRawBufferPointer?, _ form: CellForm, into sink: inout ByteSink) -> Bool {
        guard let bytes else {
            if form.isList { sink.raw("[]") } else { sink.null() }
            return true
        }
        switch form.kind {
        case .digits: sink.append(bytes)
        case .string: sink.string(bytes)
        case .bool: if bytes.first == UInt8(ascii: "t") { sink.raw("true") } else { sink.raw("false") }
        case .bigint:
            sink.raw("{\"$type\":\"BigInt\",\"value\":\"")
            sink.append(bytes)
            sink.raw("\"}")
        case .float:
            guard isPlainNumber(bytes) else { return false }
            sink.append(bytes)
        case .decimal:
            guard let length = Decimal.plainLength(bytes) else { return false }
            sink.raw("{\"$type\":\"Decimal\",\"value\":\"")
            sink.append(bytes[..<length])
            sink.raw("\"}")
        case .instant: return instant(bytes, into: &sink)
        case .json: return json(bytes, into: &sink)
        case .strings: return list(bytes, into: &sink) { $0.string($1) }
        case .integers: return list(bytes, into: &sink) { $0.append($1) }
        case .other: return false
        }
        return true
    }

    /// Digits with a point inside that JavaScript writes the same way: at most 15, no zero at either end.
    static func isPlainNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count <= 16 && Decimal.plainLength(bytes) == bytes.count
    }

    /// `{a,b,"c d"}` of one dimension, without NULL and escapes.
    private static func list(
        _ bytes: UnsafeRawBufferPointer, into sink: inout ByteSink, _ element: (inout ByteSink, UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard bytes.count >= 2, bytes[0] == UInt8(ascii: "{"), bytes[bytes.count - 1] == UInt8(ascii: "}") else { return false }
        let mark = sink.count
        let end = bytes.count - 1
        var index = 1
        sink.byte(UInt8(ascii: "["))
        while index < end {
            if index > 1 {
                guard bytes[index] == UInt8(ascii: ",") else { break }
                sink.byte(UInt8(ascii: ","))
                index += 1
            }
            let isQuoted = index < end && bytes[index] == UInt8(ascii: "\"")
            if isQuoted { index += 1 }
            let start = index
            while index < end {
                let byte = bytes[index]
                if isQuoted ? byte == UInt8(ascii: "\"") : byte == UInt8(ascii: ",") { break }
                if byte == UInt8(ascii: "\\") || (!isQuoted && (byte == UInt8(ascii: "{") || byte == UInt8(ascii: "\""))) {
                    sink.truncate(to: mark)
                    return false
                }
                index += 1
            }
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<index])
            if isQuoted {
                guard index < end else { break }
                index += 1
            } else if text.isEmpty || text.elementsEqual("NULL".utf8) {
                break
            }
            element(&sink, text)
            if index == end {
                sink.byte(UInt8(ascii: "]"))
                return true
            }
        }
        if end == 1 {
            sink.byte(UInt8(ascii: "]"))
            return true
        }
        sink.truncate(to: mark)
        return false
    }

    /// A jsonb's text as a string in the answer, compact as JavaScript would write it. The long way: escapes, numbers that
    /// JavaScript writes otherwise, keys that it would put first.
    private static func json(_ bytes: UnsafeRawBufferPointer, into sink: inout ByteSink) -> Bool {
        let mark = sink.count
        sink.raw("{\"$type\":\"Json\",\"value\":\"")
        // A quote takes two bytes.
        let isWritten = sink.fill(atMost: 2 * bytes.count) { json(bytes, $0, &$1) }
        if isWritten { sink.raw("\"}") } else { sink.truncate(to: mark) }
        return isWritten
    }

    private static func json(_ bytes: UnsafeRawBufferPointer, _ target: UnsafeMutablePointer<UInt8>, _ written: inout Int) -> Bool {
        var count = 0
        defer { written = count }
        func put(_ byte: UInt8) {
            target[count] = byte
            count += 1
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let start = index
            index += 1
            switch byte {
            case 0x20: continue
            case UInt8(ascii: "\""):
                put(UInt8(ascii: "\\"))
                put(byte)
                while index < bytes.count, !JSONBytes.isSpecial(bytes[index]) {
                    put(bytes[index])
                    index += 1
                }
                guard index < bytes.count, bytes[index] == byte else { return false }
                index += 1
                let isIndexKey = bytes[start + 1] &- 0x30 < 10 && index < bytes.count && bytes[index] == UInt8(ascii: ":")
                guard !isIndexKey else { return false }
                put(UInt8(ascii: "\\"))
                put(byte)
            case 0x30...0x39, UInt8(ascii: "-"):
                put(byte)
                while index < bytes.count,
                    bytes[index] &- 0x30 < 10 || bytes[index] == UInt8(ascii: ".") || bytes[index] | 0x20 == UInt8(ascii: "e")
                {
                    put(bytes[index])
                    index += 1
                }
                let isDigit = index - start == 1 && byte != UInt8(ascii: "-")
                guard isDigit || isPlainNumber(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) else { return false }
            default: put(byte)
            }
        }
        return true
    }

    /// `2024-01-02 03:04:05[.678901][+00]` with a year of four digits.
    private static func instant(_ bytes: UnsafeRawBufferPointer, into sink: inout ByteSink) -> Bool {
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
        sink.raw("{\"$type\":\"DateTime\",\"value\":\"")
        sink.append(bytes[..<10])
        sink.byte(UInt8(ascii: "T"))
        sink.append(bytes[11..<19])
        sink.byte(UInt8(ascii: "."))
        sink.byte(milliseconds.0)
        sink.byte(milliseconds.1)
        sink.byte(milliseconds.2)
        sink.raw("Z\"}")
        return true
    }
}
