internal import Basics

/// A `.env` file whose lines for some keys are replaced and whose others are not touched, byte for byte.
struct EnvironmentFile {
    let path: String

    struct Change: Equatable {
        var replaced = 0
        var added = 0
    }

    /// A new file is for its owner alone: it has a password in it.
    func write(_ variables: [(key: String, value: String)]) throws(DevError) -> Change {
        let old = try WholeFile.read(path)
        let (bytes, change) = EnvironmentFile.edited(old ?? [], variables)
        if bytes != old { try WholeFile.write(bytes, to: path, newMode: 0o600) }
        return change
    }

    /// Every assignment of a key gets the new value: readers differ in whether the first or the last counts.
    static func edited(_ old: [UInt8], _ variables: [(key: String, value: String)]) -> ([UInt8], Change) {
        var result: [UInt8] = []
        var change = Change()
        var missing = variables
        for entry in entries(old) {
            guard let key = entry.key, let variable = variables.first(where: { $0.key == key }) else {
                result += old[entry.range]
                continue
            }
            result += old[entry.range.lowerBound..<entry.value.lowerBound]
            result += Array(Quoting.dotenv(variable.value).utf8)
            result += old[entry.value.upperBound..<entry.range.upperBound]
            if let index = missing.firstIndex(where: { $0.key == key }) {
                missing.remove(at: index)
                change.replaced += 1
            }
        }
        let end: [UInt8] = usesCRLF(old) ? [13, 10] : [10]
        if !missing.isEmpty, let last = result.last, last != 10 { result += end }
        for variable in missing {
            result += Array("\(variable.key)=\(Quoting.dotenv(variable.value))".utf8) + end
            change.added += 1
        }
        return (result, change)
    }

    /// A line, or several when a quoted value goes over its end.
    private struct Entry {
        var range: Range<Int>
        var key: String?
        /// Without blanks around it and without a comment behind it; with its quotes.
        var value: Range<Int>
    }

    private static func usesCRLF(_ bytes: [UInt8]) -> Bool {
        guard let end = bytes.firstIndex(of: 10) else { return false }
        return end > 0 && bytes[end - 1] == 13
    }

    private static func entries(_ bytes: [UInt8]) -> [Entry] {
        var result: [Entry] = []
        // Some editors on Windows begin a file with a byte order mark.
        var position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        if position > 0 { result.append(Entry(range: 0..<position, key: nil, value: 0..<0)) }
        while position < bytes.count {
            let entry = entry(bytes, at: position)
            result.append(entry)
            position = entry.range.upperBound
        }
        return result
    }

    private static func entry(_ bytes: [UInt8], at start: Int) -> Entry {
        let lineEnd = bytes[start...].firstIndex(of: 10) ?? bytes.count
        let other = Entry(range: start..<min(lineEnd + 1, bytes.count), key: nil, value: start..<start)
        var index = skipBlanks(bytes, start, lineEnd)
        if bytes[index..<lineEnd].starts(with: Array("export".utf8)) {
            let after = skipBlanks(bytes, index + 6, lineEnd)
            if after > index + 6 { index = after }
        }
        let keyStart = index
        while index < lineEnd, isKey(bytes[index]) { index += 1 }
        let keyEnd = index
        index = skipBlanks(bytes, index, lineEnd)
        guard keyEnd > keyStart, index < lineEnd, bytes[index] == UInt8(ascii: "=") else { return other }
        let key = String(decoding: bytes[keyStart..<keyEnd], as: UTF8.self)
        index = skipBlanks(bytes, index + 1, lineEnd)
        if index < lineEnd, [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")].contains(bytes[index]),
            let close = closing(bytes, index)
        {
            let end = bytes[close...].firstIndex(of: 10) ?? bytes.count
            return Entry(range: start..<min(end + 1, bytes.count), key: key, value: index..<(close + 1))
        }
        return Entry(range: other.range, key: key, value: index..<plainEnd(bytes, index, lineEnd))
    }

    /// The end of a value without quotes: before a comment, blanks and the carriage return.
    private static func plainEnd(_ bytes: [UInt8], _ start: Int, _ lineEnd: Int) -> Int {
        var end = start
        while end < lineEnd {
            if bytes[end] == UInt8(ascii: "#"), end > 0, isBlank(bytes[end - 1]) || end == start { break }
            end += 1
        }
        while end > start, isBlank(bytes[end - 1]) || bytes[end - 1] == 13 { end -= 1 }
        return end
    }

    /// The index of the quote that ends the one at `start`; nil when it is never closed and so is no quote.
    private static func closing(_ bytes: [UInt8], _ start: Int) -> Int? {
        var index = start + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), bytes[start] == UInt8(ascii: "\"") {
                index += 2
                continue
            }
            if bytes[index] == bytes[start] { return index }
            index += 1
        }
        return nil
    }

    private static func skipBlanks(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, isBlank(bytes[index]) { index += 1 }
        return index
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private static func isKey(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}
