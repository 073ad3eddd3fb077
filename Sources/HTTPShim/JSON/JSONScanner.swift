/// Why a text is no JSON, or none that we take.
struct JSONFailure: Error, Equatable {
    var message: String
    /// Bytes before the offending one.
    var offset: Int
    /// It may be JSON, only too much of it for us.
    var isTooDeep = false
}

/// RFC 8259, with bounds. Total: every text gives a tree or a failure, whatever its size and depth.
struct JSONScanner {
    /// Arrays and objects within each other. Deeper than any compiled plan (70 seen), far from the end of a thread's stack.
    static let maximalDepth = 500

    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    private let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>? = nil) {
        let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// A whole text.
    static func parse(_ text: some Sequence<UInt8>) throws(JSONFailure) -> JSON {
        try parse(Array(text))
    }

    static func parse(_ text: [UInt8]) throws(JSONFailure) -> JSON {
        let outcome = text.withUnsafeBufferPointer { buffer -> Result<JSON, JSONFailure> in
            var scanner = JSONScanner(buffer)
            do throws(JSONFailure) {
                let value = try scanner.value()
                try scanner.finish()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Nothing but white space follows.
    mutating func finish() throws(JSONFailure) {
        space()
        guard position == end else { throw failure("something follows the value") }
    }

    func failure(_ message: String) -> JSONFailure { JSONFailure(message: message, offset: position) }
    private var tooDeep: JSONFailure { JSONFailure(message: "nested too deeply", offset: position, isTooDeep: true) }

    @inline(__always)
    private var byte: UInt8? { position < end ? bytes[position] : nil }

    mutating func space() {
        while position < end, case let byte = bytes[position], byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    /// Takes that byte after white space, if it is there.
    mutating func take(_ wanted: UInt8) -> Bool {
        space()
        guard byte == wanted else { return false }
        position += 1
        return true
    }

    mutating func require(_ wanted: UInt8) throws(JSONFailure) {
        guard take(wanted) else { throw failure("\(Character(UnicodeScalar(wanted))) is missing") }
    }

    // MARK: Trees

    mutating func value(depth: Int = 0) throws(JSONFailure) -> JSON {
        space()
        switch byte {
        case UInt8(ascii: "{"):
            guard depth < JSONScanner.maximalDepth else { throw tooDeep }
            position += 1
            var members: [JSON.Member] = []
            guard !take(UInt8(ascii: "}")) else { return .object([]) }
            repeat {
                let key = try key()
                members.append(JSON.Member(key, try value(depth: depth + 1)))
            } while take(UInt8(ascii: ","))
            try require(UInt8(ascii: "}"))
            return .object(members)
        case UInt8(ascii: "["):
            guard depth < JSONScanner.maximalDepth else { throw tooDeep }
            position += 1
            var elements: [JSON] = []
            guard !take(UInt8(ascii: "]")) else { return .array([]) }
            repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
            try require(UInt8(ascii: "]"))
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default:
            let start = position
            try skipNumber()
            return .number(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self))
        }
    }

    /// `"name":`
    mutating func key() throws(JSONFailure) -> String {
        space()
        guard byte == UInt8(ascii: "\"") else { throw failure("a key is missing") }
        let key = try string()
        try require(UInt8(ascii: ":"))
        return key
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONFailure) -> JSON {
        let count = word.utf8CodeUnitCount
        guard end - position >= count, (0..<count).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] }) else {
            throw failure("not a value")
        }
        position += count
        return value
    }

    // MARK: Skipping

    /// Passes over a value, checked as `value` checks it except for the text inside strings.
    /// - Returns: the bytes that it takes.
    mutating func skip(depth: Int = 0) throws(JSONFailure) -> Range<Int> {
        space()
        let start = position
        switch byte {
        case UInt8(ascii: "{"):
            guard depth < JSONScanner.maximalDepth else { throw tooDeep }
            position += 1
            guard !take(UInt8(ascii: "}")) else { break }
            repeat {
                space()
                try skipString()
                try require(UInt8(ascii: ":"))
                _ = try skip(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try require(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            guard depth < JSONScanner.maximalDepth else { throw tooDeep }
            position += 1
            guard !take(UInt8(ascii: "]")) else { break }
            repeat { _ = try skip(depth: depth + 1) } while take(UInt8(ascii: ","))
            try require(UInt8(ascii: "]"))
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): _ = try word("true", .null)
        case UInt8(ascii: "f"): _ = try word("false", .null)
        case UInt8(ascii: "n"): _ = try word("null", .null)
        default: try skipNumber()
        }
        return start..<position
    }

    /// Passes over bytes that are known to be a value.
    mutating func pass(_ length: Int) -> Range<Int> {
        let start = position
        position = min(end, start + length)
        return start..<position
    }

    /// Passes over plain bytes of a string, eight at a time: up to one that ends it, escapes, or must not be there, and at most
    /// seven before it.
    @inline(__always)
    private mutating func passPlainBytes() {
        let raw = UnsafeRawBufferPointer(bytes)
        while position + 8 <= end {
            guard !JSONBytes.hasSpecial(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)) else { return }
            position += 8
        }
    }

    private mutating func skipString() throws(JSONFailure) {
        guard byte == UInt8(ascii: "\"") else { throw failure("a string is missing") }
        position += 1
        passPlainBytes()
        while position < end {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") { position += 1 }
            if byte < 0x20 { throw failure("a control character in a string") }
        }
        position = end
        throw failure("a string does not end")
    }

    private mutating func skipNumber() throws(JSONFailure) {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0") { position += 1 } else { try digits(start) }
        if byte == UInt8(ascii: ".") {
            position += 1
            try digits(start)
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try digits(start)
        }
    }

    private mutating func digits(_ start: Int) throws(JSONFailure) {
        guard let first = byte, (0x30...0x39).contains(first) else {
            position = start
            throw failure("not a value")
        }
        while let next = byte, (0x30...0x39).contains(next) { position += 1 }
    }

    // MARK: Strings

    mutating func string() throws(JSONFailure) -> String {
        position += 1
        let start = position
        passPlainBytes()
        while position < end {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                // Text without escapes: one copy.
                let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                return String(decoding: text, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") { return try escaped(from: start) }
            if byte < 0x20 { throw failure("a control character in a string") }
            position += 1
        }
        throw failure("a string does not end")
    }

    private mutating func escaped(from start: Int) throws(JSONFailure) -> String {
        var text = Array(bytes[start..<position])
        while position < end {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("a control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONFailure) {
        guard let byte else { throw failure("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xD800..<0xDC00).contains(code), position + 1 < end, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let before = position
                position += 2
                let low = UInt32(try hexadecimal())
                // Half a pair stands alone: PostgreSQL has no such text, the replacement character does no harm.
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = before
                }
            }
            text.append(contentsOf: String(UnicodeScalar(code) ?? "\u{FFFD}").utf8)
        default:
            position -= 1
            throw failure("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONFailure) -> UInt16 {
        guard end - position >= 4 else { throw failure("a string does not end") }
        var code: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue else { throw failure("not a hexadecimal digit") }
            code = code << 4 | UInt16(digit)
            position += 1
        }
        return code
    }
}
