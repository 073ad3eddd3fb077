/// The name of an instance: 1 to 63 bytes of letters, digits, `-` and `_`, not beginning with `-`
/// (prisma dev's alphabet; 63 is PostgreSQL's identifier length).
public struct InstanceName: Sendable, Hashable, Codable, CustomStringConvertible, Comparable {
    public let text: String
    public var description: String { text }

    /// - Throws: `DevError` `bad-name` that quotes the text.
    public init(_ text: String) throws(DevError) {
        guard InstanceName.isValid(text) else {
            throw DevError(
                .badName, "The name \"\(text.prefix(80))\" can't be used", object: String(text.prefix(80)),
                cause: "a name has 1 to 63 letters, digits, dashes and underscores and does not begin with a dash",
                help: "Run dev up --name NAME with such a name")
        }
        self.text = text
    }

    /// The name prisma dev uses when none is given.
    public static let `default` = InstanceName(checked: "default")

    private init(checked: String) { text = checked }

    public static func isValid(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The nearest valid name to any text, such as a folder's: other bytes become `-`; `nil` when nothing is left.
    public static func sanitizing(_ text: String) -> InstanceName? {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            let piece = String(Character(scalar))
            result += isValid("x" + piece) ? piece : "-"
            if result.utf8.count == 63 { break }
        }
        result = String(result.drop { $0 == "-" })
        while result.hasSuffix("-") { result.removeLast() }
        return isValid(result) ? InstanceName(checked: result) : nil
    }

    public static func < (left: InstanceName, right: InstanceName) -> Bool { left.text < right.text }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
