/// Reads `a=value,b=value` as PostgreSQL's auth-scram.c does, and complains in its words. The end of the text reads as
/// a zero byte, as in C; texts with a zero byte inside have been refused before.
struct ScramText {
    let bytes: [UInt8]
    private(set) var position = 0
    /// The function of auth-scram.c that is at work when something is missing between attributes.
    private let routine: String

    init(_ bytes: [UInt8], in routine: String) {
        self.bytes = bytes
        self.routine = routine
    }

    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }
    var isAtEnd: Bool { position >= bytes.count }
    mutating func advance() { position = min(position + 1, bytes.count) }

    func malformed(_ detail: String) -> ServerMessage { .malformedSCRAM(detail, in: routine) }

    /// For messages: a printable character in quotes, any other in hex.
    static func shown(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Unicode.Scalar(byte))'" }
        let hex = String(byte, radix: 16)
        return "0x" + (hex.count < 2 ? "0" : "") + hex
    }

    /// The value of the attribute that must come next; the comma behind it is consumed.
    mutating func value(of attribute: Unicode.Scalar) throws(ServerMessage) -> ArraySlice<UInt8> {
        guard current == UInt8(ascii: attribute) else {
            throw .malformedSCRAM(
                "Expected attribute \"\(attribute)\" but found \"\(Self.shown(current))\".", in: "read_attr_value")
        }
        advance()
        return try restOfValue(attribute, "read_attr_value")
    }

    /// Any attribute and its value.
    mutating func anyAttribute() throws(ServerMessage) -> (name: Unicode.Scalar, value: ArraySlice<UInt8>) {
        let name = Unicode.Scalar(current)
        guard current != 0 else { throw .malformedSCRAM("Attribute expected, but found end of string.", in: "read_any_attr") }
        guard ("A"..."Z").contains(name) || ("a"..."z").contains(name) else {
            throw .malformedSCRAM(
                "Attribute expected, but found invalid character \"\(Self.shown(current))\".", in: "read_any_attr")
        }
        advance()
        return (name, try restOfValue(name, "read_any_attr"))
    }

    private mutating func restOfValue(_ name: Unicode.Scalar, _ routine: String) throws(ServerMessage) -> ArraySlice<UInt8> {
        guard current == UInt8(ascii: "=") else {
            throw .malformedSCRAM("Expected character \"=\" for attribute \"\(name)\".", in: routine)
        }
        advance()
        let start = position
        while !isAtEnd, current != UInt8(ascii: ",") { advance() }
        let value = bytes[start..<position]
        advance()
        return value
    }

    /// RFC 5802 `printable`: 0x21…0x7E without the comma.
    static func isPrintable(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }
    }

    /// Decimal digits only, 1…Int32.max.
    static func number(_ digits: some Sequence<UInt8>) -> Int? {
        var value: Int32 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int32(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value > 0 ? Int(value) : nil
    }
}
