/// PostgreSQL's dates and times as ISO 8601 instants (query plan specification §6.2, norm).
enum DateText {
    /// A date gets midnight, a time the first day of 1970, what has no offset is UTC.
    static func normalised(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let start = timeStart(bytes) else { return text.hasSuffix(" BC") ? text : text + "T00:00:00Z" }
        var time = String(decoding: bytes[start...], as: UTF8.self)
        let hasOffset = bytes[start...].contains { $0 == UInt8(ascii: "Z") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
        if !hasOffset, !time.contains(" BC") { time += "Z" }
        if start == 0 { return "1970-01-01T" + time }
        return String(decoding: bytes[..<(start - 1)], as: UTF8.self) + "T" + time
    }

    /// Where `HH:MM:SS` begins: at the start, or after a space or T.
    private static func timeStart(_ bytes: [UInt8]) -> Int? {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon >= 2 else { return nil }
        return colon - 2
    }
}
