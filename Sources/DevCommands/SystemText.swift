#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Arguments, environment and paths may be any bytes. One that is not UTF-8 becomes a scalar of a private plane, and that
/// byte again when the text goes back to the system: what only passes through, such as to the command of `dev run`, stays
/// what it was, and what a name or a request would be made of can be refused.
enum SystemText {
    private static let plane: UInt32 = 0x10_ff00

    static func decode(_ text: UnsafePointer<CChar>) -> String {
        if let whole = String(validatingCString: text) { return whole }
        let bytes = UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
        var result = ""
        var index = 0
        while index < bytes.count {
            let piece = (1...4).lazy.filter { index + $0 <= bytes.count }
                .compactMap { String(validating: bytes[index..<index + $0], as: UTF8.self) }.first
            if let piece {
                result += piece
                index += piece.utf8.count
            } else {
                if let scalar = Unicode.Scalar(plane + UInt32(bytes[index])) { result.unicodeScalars.append(scalar) }
                index += 1
            }
        }
        return result
    }

    /// The bytes that `decode` was given, ended by a zero.
    static func encode(_ text: String) -> [CChar] {
        guard !isUTF8(text) else { return Array(text.utf8CString) }
        let bytes = text.unicodeScalars.flatMap { byte($0).map { [$0] } ?? Array(String($0).utf8) }
        return bytes.map(CChar.init(bitPattern:)) + [0]
    }

    static func isUTF8(_ text: String) -> Bool { !text.unicodeScalars.contains { byte($0) != nil } }

    /// For messages.
    static func shown(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars { result.unicodeScalars.append(byte(scalar) == nil ? scalar : "\u{fffd}") }
        return result
    }

    private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        scalar.value >= plane + 0x80 && scalar.value <= plane + 0xff ? UInt8(truncatingIfNeeded: scalar.value) : nil
    }
}
