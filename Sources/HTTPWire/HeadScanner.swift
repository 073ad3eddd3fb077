/// Finds the end of a message's head, looking at each byte once however slowly they come (picohttpparser's
/// `last_len`), and judges line ends and lengths in the order of the bytes: the outcome is the same however the
/// bytes were cut.
struct HeadScanner: Sendable {
    enum Step {
        case needMore
        /// Length of the head with its last line end.
        case complete(Int)
    }

    /// First line and field lines, without line ends, relative to the head's start.
    private(set) var lines: [Range<Int>] = []
    private var scanned = 0
    private var lineStart = 0
    var isFresh: Bool { scanned == 0 }

    mutating func scan(_ bytes: [UInt8], from start: Int, _ limits: HTTPLimits) throws(HTTPRefusal) -> Step {
        while start + scanned < bytes.count {
            passPlainBytes(bytes, from: start, limits)
            guard start + scanned < bytes.count else { break }
            let offset = scanned
            let byte = bytes[start + offset]
            let followsCR = offset > lineStart && bytes[start + offset - 1] == UInt8(ascii: "\r")
            guard offset < limits.head else { throw HTTPRefusal(431, "The header fields are too large.") }
            scanned += 1
            if byte == UInt8(ascii: "\n") {
                guard followsCR else { throw .malformed("A line ends without CR.") }
                if try finishLine(lineStart..<offset - 1, limits) { return .complete(offset + 1) }
                lineStart = offset + 1
                continue
            }
            guard !followsCR else { throw .malformed("A CR stands alone.") }
            guard byte != UInt8(ascii: "\r") else { continue }
            if lines.isEmpty {
                guard offset > lineStart || Grammar.isTokenByte(byte) else { throw .malformed("This is not HTTP/1.1.") }
                guard offset - lineStart < limits.requestLine else { throw HTTPRefusal(414, "The request line is too long.") }
            } else {
                guard offset - lineStart < limits.field else { throw HTTPRefusal(431, "A header field is too large.") }
            }
        }
        return .needMore
    }

    /// Passes over what the loop above would only count: bytes inside a line, before any of its bounds.
    private mutating func passPlainBytes(_ bytes: [UInt8], from start: Int, _ limits: HTTPLimits) {
        guard scanned > lineStart, bytes[start + scanned - 1] != UInt8(ascii: "\r") else { return }
        let longest = lines.isEmpty ? limits.requestLine : limits.field
        let end = min(bytes.count - start, limits.head, lineStart + longest)
        guard scanned < end else { return }
        bytes.withUnsafeBufferPointer { bytes in
            var offset = scanned
            while offset < end, bytes[start + offset] != UInt8(ascii: "\r"), bytes[start + offset] != UInt8(ascii: "\n") { offset += 1 }
            scanned = offset
        }
    }

    /// - Returns: whether that was the empty line behind the fields.
    private mutating func finishLine(_ line: Range<Int>, _ limits: HTTPLimits) throws(HTTPRefusal) -> Bool {
        guard line.isEmpty else {
            guard lines.count <= limits.fieldCount else { throw HTTPRefusal(431, "There are too many header fields.") }
            lines.append(line)
            return false
        }
        guard lines.isEmpty else { return true }
        // RFC 9112 §2.2: one empty line before a request is left over from the body before.
        guard line.lowerBound == 0 else { throw .malformed("This is not HTTP/1.1.") }
        return false
    }

    /// The fields of a complete head.
    func headers(_ bytes: [UInt8], from start: Int) throws(HTTPRefusal) -> Headers {
        var headers = Headers()
        for line in lines.dropFirst() {
            headers.append(try Self.field(bytes[start + line.lowerBound..<start + line.upperBound]))
        }
        return headers
    }

    /// One field line, by RFC 9112 §5 without its leniencies.
    static func field(_ line: ArraySlice<UInt8>) throws(HTTPRefusal) -> Headers.Field {
        guard let first = line.first, !Grammar.isBlank(first) else { throw .malformed("A header field is folded.") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed("A header field has no colon.") }
        let name = line[..<colon]
        guard Grammar.isToken(name) else { throw .malformed("A header field's name is not a token.") }
        let value = Grammar.trimmed(line[(colon + 1)...])
        guard value.allSatisfy(Grammar.isFieldContent) else {
            throw .malformed("A header field's value has an illegal character.")
        }
        // RFC 9110 §5.5: once it was Latin-1.
        let text = String(validating: value, as: UTF8.self) ?? String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
        return Headers.Field(checkedName: name, checkedValue: text)
    }
}
