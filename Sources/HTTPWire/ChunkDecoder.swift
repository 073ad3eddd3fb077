/// The chunked coding (RFC 9112 §7.1): sizes are hexadecimal digits only, extensions and trailers are checked, bounded
/// and dropped, and a body that is mostly framing is refused (after picohttpparser).
struct ChunkDecoder: Sendable {
    enum Step {
        case needMore
        /// That many bytes of data lie at the position. They must be taken before the next call.
        case data(Int)
        case finished
    }

    private enum State: Sendable {
        case size(value: Int, digits: Int)
        case extensions(size: Int)
        case sizeLineFeed(size: Int)
        case data(remaining: Int)
        case dataReturn
        case dataLineFeed
        case trailer([UInt8])
        case trailerLineFeed([UInt8])
    }

    private var state: State = .size(value: 0, digits: 0)
    /// Bytes of the line at hand, and of all framing so far.
    private var lineLength = 0
    private var framing = 0
    private var trailers = 0

    mutating func next(_ bytes: [UInt8], _ position: inout Int, _ limits: HTTPLimits, total: Int) throws(HTTPRefusal) -> Step {
        while position < bytes.count {
            if case .data(let remaining) = state {
                let count = min(remaining, bytes.count - position)
                state = count == remaining ? .dataReturn : .data(remaining: remaining - count)
                return .data(count)
            }
            let byte = bytes[position]
            position += 1
            try countFraming(limits, total)
            if try step(byte, limits, total) { return .finished }
        }
        return .needMore
    }

    /// More than 100 KB of framing that is more than three quarters of all.
    private mutating func countFraming(_ limits: HTTPLimits, _ total: Int) throws(HTTPRefusal) {
        framing += 1
        guard framing <= 100_000 || framing / 3 <= total else { throw .malformed("The chunks are too small.") }
    }

    private mutating func countLine(_ limit: Int, _ status: Int) throws(HTTPRefusal) {
        lineLength += 1
        guard lineLength <= limit else { throw HTTPRefusal(status, "A line of the chunked body is too long.") }
    }

    /// - Returns: whether the body is over.
    private mutating func step(_ byte: UInt8, _ limits: HTTPLimits, _ total: Int) throws(HTTPRefusal) -> Bool {
        switch state {
        case .data: break
        case .size(let value, let digits):
            try countLine(limits.chunkLine, 400)
            if let digit = Grammar.hexValue(byte) {
                guard value <= (Int.max >> 4) else { throw .malformed("A chunk's size is too large.") }
                state = .size(value: value << 4 | digit, digits: digits + 1)
                return false
            }
            guard digits > 0 else { throw .malformed("A chunk's size is missing.") }
            guard value <= limits.body - total else { throw HTTPRefusal(413, "The body is too large.") }
            switch byte {
            case UInt8(ascii: ";"): state = .extensions(size: value)
            case UInt8(ascii: "\r"): state = .sizeLineFeed(size: value)
            default: throw .malformed("A chunk's size is not hexadecimal.")
            }
        case .extensions(let size):
            try countLine(limits.chunkLine, 400)
            if byte == UInt8(ascii: "\r") {
                state = .sizeLineFeed(size: size)
            } else {
                guard Grammar.isFieldContent(byte) else { throw .malformed("A chunk's extension has an illegal character.") }
            }
        case .sizeLineFeed(let size):
            try expect(byte, "\n")
            lineLength = 0
            state = size == 0 ? .trailer([]) : .data(remaining: size)
        case .dataReturn:
            try expect(byte, "\r")
            state = .dataLineFeed
        case .dataLineFeed:
            try expect(byte, "\n")
            state = .size(value: 0, digits: 0)
        case .trailer(var line):
            guard byte != UInt8(ascii: "\r") else {
                state = .trailerLineFeed(line)
                return false
            }
            guard byte != UInt8(ascii: "\n") else { throw .malformed("A line ends without CR.") }
            try countLine(limits.field, 431)
            // Emptied first, so that the array is not copied for each byte.
            state = .dataReturn
            line.append(byte)
            state = .trailer(line)
        case .trailerLineFeed(let line):
            try expect(byte, "\n")
            if line.isEmpty { return true }
            _ = try HeadScanner.field(line[...])
            trailers += 1
            guard trailers <= limits.fieldCount else { throw HTTPRefusal(431, "There are too many trailer fields.") }
            lineLength = 0
            state = .trailer([])
        }
        return false
    }

    private func expect(_ byte: UInt8, _ wanted: Unicode.Scalar) throws(HTTPRefusal) {
        guard byte == UInt8(ascii: wanted) else { throw .malformed("A chunk does not end where its size says.") }
    }
}
