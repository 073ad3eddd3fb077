/// The hand-off library (Sources/CHandoff) as the bytes of its file, to be written where the servers' user can read it
/// and loaded into postmasters with LD_PRELOAD.
public enum HandoffLibrary {
    /// Empty on a system that has none: connections then go through the pump.
    public static let image: [UInt8] = hexadecimal.withUTF8Buffer { text in
        stride(from: 0, to: text.count - 1, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
    }

    /// 16 hex digits that name this build of the library (FNV-1a, 64 bit: a name, not a protection).
    public static let hash: String = {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in image { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }()

    private static func digit(_ character: UInt8) -> UInt8 {
        character <= UInt8(ascii: "9") ? character - UInt8(ascii: "0") : character - UInt8(ascii: "a") + 10
    }
}
