internal import Basics

/// What a command's tag says.
enum CommandTag {
    /// `UPDATE 3`, `INSERT 0 1` → the number at the end; `BEGIN` → 0.
    static func count(_ tag: String) -> String {
        let last = tag.split(separator: " ").last ?? ""
        return !last.isEmpty && last.utf8.allSatisfy { (0x30...0x39).contains($0) } ? String(last) : "0"
    }
}

extension JSONWriter {
    /// PostgreSQL's text of a bytea, `\x…` or, where a session wants it so, with octal escapes, as a string of base64.
    mutating func base64(ofBytea text: UnsafeRawBufferPointer) {
        byte(UInt8(ascii: "\""))
        if text.starts(with: "\\x".utf8), let bytes = Hexadecimal.decode(UnsafeRawBufferPointer(rebasing: text[2...])) {
            self.bytes.append(contentsOf: Base64.encode(bytes))
        } else {
            self.bytes.append(contentsOf: Base64.encode(JSONWriter.unescaped(text)))
        }
        byte(UInt8(ascii: "\""))
    }

    /// `bytea_output = escape`: `\\` and `\ooo`.
    private static func unescaped(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            let digits = text.dropFirst(index + 1).prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                index += 4
            } else {
                bytes.append(byte)
                index += byte == UInt8(ascii: "\\") && digits.first == UInt8(ascii: "\\") ? 2 : 1
            }
        }
        return bytes
    }
}
