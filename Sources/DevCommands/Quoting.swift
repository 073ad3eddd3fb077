/// Values as shells and `.env` readers take them.
enum Quoting {
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "_./:@%+,-".utf8.contains(byte)
                }
            }
    }

    /// For POSIX shells: nothing has a meaning in single quotes but their end.
    static func shell(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    static func shellIfNeeded(_ text: String) -> String {
        isPlain(text) || text.hasPrefix("--") && isPlain(text.filter { $0 != "=" }) ? text : shell(text)
    }

    /// For `.env` files: the form that most readers (dotenv of several languages, docker compose, `. ./.env` in sh) take alike. Double
    /// quotes as Prisma writes them; single quotes when something would be expanded in double ones; escapes only when
    /// there is no other way.
    static func dotenv(_ text: String) -> String {
        if isPlain(text) { return text }
        if !text.contains(where: { "\"\\$`\n\r".contains($0) }) { return "\"" + text + "\"" }
        if !text.contains(where: { "'\n\r".contains($0) }) { return "'" + text + "'" }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\", "$", "`": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return "\"" + result + "\""
    }
}
