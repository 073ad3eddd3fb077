extension Instant {
    /// Reads what JavaScript's Date reads of ISO 8601, and PostgreSQL's ISO output: `2024-01-02[(T| )03:04[:05[.6…]][ ]
    /// [Z|±05[[:]30[[:]15]]][ BC]]`, also with the offset behind the era, as Prisma's adapter has it. A time without an offset is
    /// UTC (§5.2). Digits after the milliseconds are cut off.
    /// - Returns: nil for anything else, and out of `range`.
    static func parse(_ text: some StringProtocol) -> Int64? {
        var reader = InstantReader(Array(text.utf8))
        return reader.read()
    }
}

private struct InstantReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard byte == character.asciiValue else { return false }
        position += 1
        return true
    }

    /// So many digits, or more up to a limit.
    private mutating func number(_ least: Int, _ most: Int) -> Int? {
        var value = 0
        var count = 0
        while count < most, let byte, (0x30...0x39).contains(byte) {
            value = value * 10 + Int(byte - 0x30)
            count += 1
            position += 1
        }
        return count >= least ? value : nil
    }

    mutating func read() -> Int64? {
        var sign = 1
        var parts = Instant.Parts()
        if take("-") { sign = -1 } else if take("+") { sign = 1 }
        guard let year = number(4, 6), take("-"), let month = number(2, 2), take("-"), let day = number(2, 2) else { return nil }
        (parts.year, parts.month, parts.day) = (sign * year, month, day)
        var offset = 0
        if byte != nil, !isAtBC {
            guard take("T") || take(" ") || take("t"), readTime(&parts), let found = readOffset() else { return nil }
            offset = found
        }
        if isAtBC {
            position += 3
            // 1 BC is the year 0.
            parts.year = 1 - parts.year
            guard let found = readOffset() else { return nil }
            offset += found
        }
        guard position == bytes.count, (1...12).contains(parts.month), (1...31).contains(parts.day), parts.hour <= 24,
            parts.minute <= 59, parts.second <= 60
        else { return nil }
        let days = Int64(Instant.days(year: parts.year, month: parts.month, day: parts.day))
        let seconds = days * 86_400 + Int64(parts.hour * 3600 + parts.minute * 60 + parts.second - offset)
        let milliseconds = seconds * 1000 + Int64(parts.millisecond)
        return Instant.range.contains(milliseconds) ? milliseconds : nil
    }

    private var isAtBC: Bool { bytes[position...].starts(with: " BC".utf8) }

    private mutating func readTime(_ parts: inout Instant.Parts) -> Bool {
        guard let hour = number(2, 2), take(":"), let minute = number(2, 2) else { return false }
        (parts.hour, parts.minute) = (hour, minute)
        guard take(":") else { return true }
        guard let second = number(2, 2) else { return false }
        parts.second = second
        guard take(".") || take(",") else { return true }
        var scale = 100
        var isFraction = false
        while let byte, (0x30...0x39).contains(byte) {
            parts.millisecond += Int(byte - 0x30) * scale
            scale /= 10
            position += 1
            isFraction = true
        }
        return isFraction
    }

    /// Seconds east of Greenwich; nil for what is no offset.
    private mutating func readOffset() -> Int? {
        guard let byte, !isAtBC else { return 0 }
        if take("Z") || take("z") { return 0 }
        guard byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") else { return nil }
        position += 1
        guard let hours = number(2, 2) else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] {
            let before = position
            _ = take(":")
            guard let part = number(2, 2) else {
                position = before
                break
            }
            seconds += part * unit
        }
        return byte == UInt8(ascii: "-") ? -seconds : seconds
    }
}
