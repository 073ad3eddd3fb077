/// A quick hash of bytes, for tables whose keys are compared in whole: for nothing that an attacker must not foresee.
public enum ByteDigest {
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var value: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            value = (value ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
            value ^= value >> 32
            index += 8
        }
        while index < bytes.count {
            value = (value ^ UInt64(bytes[index])) &* 0xff51_afd7_ed55_8ccd
            index += 1
        }
        return value ^ value >> 29
    }
}
