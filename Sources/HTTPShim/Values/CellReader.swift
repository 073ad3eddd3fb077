/// How the cells of a PostgreSQL type are read from their text form (query plan specification §7.1).
struct CellReader: Equatable {
    enum Kind: Sendable {
        case bool, int, bigint, float, double, numeric, money, text, uuid, json, bytes, date, time, timetz, timestamp, timestamptz
        /// A number in memory, a bigint in raw answers.
        case oid
        /// `"char"[]`, which stays text.
        case characters
    }

    let kind: Kind
    let isArray: Bool

    /// nil for built-in types that Prisma has no reading of.
    init?(oid: UInt32) {
        // Types of extensions and people's own: enums, citext, vector, domains over arrays.
        if oid >= 16_384 {
            (kind, isArray) = (.text, false)
        } else if let scalar = CellReader.scalars[oid] {
            (kind, isArray) = (scalar, false)
        } else if let element = CellReader.arrays[oid] {
            (kind, isArray) = (element, true)
        } else {
            return nil
        }
    }

    private static let scalars: [UInt32: Kind] = [
        16: .bool, 21: .int, 23: .int, 20: .bigint, 26: .oid, 700: .float, 701: .double, 1700: .numeric, 790: .money, 25: .text,
        1043: .text, 1042: .text, 19: .text, 1560: .text, 1562: .text, 869: .text, 650: .text, 142: .text, 2950: .uuid, 114: .json,
        3802: .json, 17: .bytes, 1082: .date, 1083: .time, 1266: .timetz, 1114: .timestamp, 1184: .timestamptz,
    ]
    private static let arrays: [UInt32: Kind] = [
        1000: .bool, 1005: .int, 1007: .int, 1016: .bigint, 1028: .bigint, 1021: .float, 1022: .double, 1231: .numeric, 791: .money,
        1009: .text, 1015: .text, 1014: .text, 1041: .text, 651: .text, 1561: .text, 1563: .text, 143: .text, 1002: .characters,
        2951: .uuid, 199: .json, 3807: .json, 1001: .bytes, 1182: .date, 1183: .time, 1115: .timestamp, 1185: .timestamptz,
    ]

    /// The name in raw answers (§7.2).
    var rawType: String {
        let name =
            switch kind {
            case .bool: "bool"
            case .int: "int"
            case .bigint, .oid: "bigint"
            case .float: "float"
            case .double: "double"
            case .numeric, .money: "decimal"
            case .text: "string"
            case .uuid: "uuid"
            case .json: "json"
            case .bytes: "bytes"
            case .date: "date"
            case .time, .timetz: "time"
            case .timestamp, .timestamptz: "datetime"
            case .characters: "char"
            }
        return isArray ? name + "-array" : name
    }

    func value(_ bytes: UnsafeRawBufferPointer) -> Value {
        guard isArray, kind != .characters else { return scalar(bytes) }
        return ArrayLiteral.parse(bytes, { scalar($0) }) ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    /// A cell, or an element of an array.
    func scalar(_ bytes: UnsafeRawBufferPointer) -> Value {
        switch kind {
        case .bool: .bool(bytes.first == UInt8(ascii: "t"))
        case .int, .oid: CellReader.integer(bytes).map { .int($0) } ?? .null
        case .float, .double: .double(CellReader.float(bytes))
        case .bytes: .bytes(CellReader.bytea(bytes))
        default: .string(CellReader.text(bytes, kind))
        }
    }

    /// The text of kinds that are strings in memory.
    static func text(_ bytes: UnsafeRawBufferPointer, _ kind: Kind) -> String {
        switch kind {
        case .money: money(bytes)
        case .timetz: String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<offsetStart(bytes)]), as: UTF8.self)
        case .timestamp: stamp(bytes[...]) + "+00:00"
        case .timestamptz:
            // Sessions are in UTC: the offset is none. `infinity` and eras have none at the end.
            offsetStart(bytes) < bytes.count ? stamp(bytes[..<offsetStart(bytes)]) + "+00:00" : stamp(bytes[...])
        default: String(decoding: bytes, as: UTF8.self)
        }
    }

    static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var value: Int64 = 0
        let isNegative = bytes.first == UInt8(ascii: "-")
        var index = isNegative ? 1 : 0
        while index < bytes.count {
            let digit = bytes[index] &- 0x30
            guard digit < 10, value < 922_337_203_685_477_580 else { return nil }
            value = value &* 10 &+ Int64(digit)
            index += 1
        }
        return isNegative ? -value : value
    }

    /// `NaN`, `Infinity`, `-Infinity`, digits.
    static func float(_ bytes: UnsafeRawBufferPointer) -> Double { Double(String(decoding: bytes, as: UTF8.self)) ?? .nan }

    /// `\x6869`; anything else has no bytes.
    static func bytea(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard bytes.count >= 2, bytes[0] == UInt8(ascii: "\\"), bytes[1] == UInt8(ascii: "x") else { return [] }
        return Hexadecimal.decode(UnsafeRawBufferPointer(rebasing: bytes[2...])) ?? []
    }

    /// Without currency sign and group commas; `-$1.00` and `($1.00)` are negative.
    private static func money(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = bytes.filter { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        let isNegative = bytes.contains(UInt8(ascii: "-")) || bytes.contains(UInt8(ascii: "("))
        return (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
    }

    /// Where a trailing `±HH[:MM[:SS]]` begins; the end when there is none.
    static func offsetStart(_ bytes: UnsafeRawBufferPointer) -> Int {
        var index = bytes.count
        while index > 0, bytes.count - index <= 9 {
            index -= 1
            switch bytes[index] {
            case UInt8(ascii: "+"), UInt8(ascii: "-"):
                // The time's last digit stands before it; of a date alone, it is the date's own dash.
                return index >= 8 && bytes[..<index].contains(UInt8(ascii: ":")) ? index : bytes.count
            case 0x30...0x39, UInt8(ascii: ":"): continue
            default: return bytes.count
            }
        }
        return bytes.count
    }

    /// `2024-01-02 03:04:05.678` → `2024-01-02T03:04:05.678` (§7.1).
    private static func stamp(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var text = Array(bytes)
        if let space = text.firstIndex(of: 0x20) { text[space] = UInt8(ascii: "T") }
        return String(decoding: text, as: UTF8.self)
    }
}
