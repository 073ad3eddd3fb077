/// The generator calls of plans (query plan specification §2.4).
struct Generators {
    let chance: Chance
    /// The plan's `now`: fixed at its first use.
    private var instant: Int64?
    private var cuidCounter: Int?

    init(chance: Chance) { self.chance = chance }

    mutating func call(_ name: String, _ arguments: [Value]) throws(PlanFailure) -> Value {
        switch name {
        case "now":
            let instant = instant ?? chance.milliseconds()
            self.instant = instant
            return .string(Instant.iso(instant))
        case "uuid":
            switch arguments.first?.number {
            case nil where arguments.isEmpty, 4?: return .string(uuid4())
            case 7?: return .string(uuid7())
            default: throw .plain("Invalid UUID generator arguments")
            }
        case "cuid":
            switch arguments.first?.number {
            case nil where arguments.isEmpty, 1?: return .string(cuid1())
            case 2?:
                return .string(
                    chance.text(1, from: "abcdefghijklmnopqrstuvwxyz") + chance.text(23, from: "0123456789abcdefghijklmnopqrstuvwxyz"))
            default: throw .plain("Invalid CUID generator arguments")
            }
        case "ulid": return .string(ulid())
        case "nanoid":
            guard let first = arguments.first else { return .string(nanoid(21)) }
            guard let count = first.number else { throw .plain("Invalid Nanoid generator arguments") }
            guard (0...1_000_000).contains(count) else { throw .plain("Invalid Nanoid generator arguments") }
            return .string(nanoid(Int(count)))
        case "product":
            guard arguments.count >= 2 else { throw .plain("Invalid Product generator arguments") }
            let (left, right) = (arguments[0].asList, arguments[1].asList)
            // As many pairs as a statement could take many times over; more would only fill the memory.
            let (count, overflow) = left.count.multipliedReportingOverflow(by: right.count)
            guard !overflow, count <= 1_000_000 else {
                throw .plain("Invalid Product generator arguments")
            }
            return .list(left.flatMap { first in right.map { .list([first, $0]) } })
        default: throw .plain("Encountered an unknown generator '\(name)'")
        }
    }

    /// RFC 9562 §5.4
    private func uuid4() -> String { Generators.uuid(chance.bytes(16), version: 4) }

    /// RFC 9562 §5.7
    private func uuid7() -> String {
        let time = UInt64(bitPattern: chance.milliseconds())
        let head = (0..<6).map { UInt8(truncatingIfNeeded: time >> UInt64(40 - 8 * $0)) }
        return Generators.uuid(head + chance.bytes(10), version: 7)
    }

    static func uuid(_ bytes: [UInt8], version: UInt8) -> String {
        var bytes = bytes
        guard bytes.count == 16 else { return "" }
        bytes[6] = bytes[6] & 0x0F | version << 4
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Hexadecimal.encode(bytes)
        var parts: [Substring] = []
        var rest = Substring(digits)
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }

    /// `c`, time, counter, fingerprint, eight random digits, all in base 36.
    private mutating func cuid1() -> String {
        let base36: StaticString = "0123456789abcdefghijklmnopqrstuvwxyz"
        let counter = cuidCounter ?? chance.below(1_679_616)
        cuidCounter = (counter + 1) % 1_679_616
        func block(_ number: Int64, _ width: Int) -> String {
            let digits = String(number, radix: 36)
            return String((String(repeating: "0", count: width) + digits).suffix(width))
        }
        return "c" + block(chance.milliseconds(), 8) + block(Int64(counter), 4) + chance.text(4, from: base36)
            + chance.text(8, from: base36)
    }

    /// 48 bits of time and 80 of chance in Crockford's base 32.
    private func ulid() -> String {
        let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        let time = UInt64(bitPattern: chance.milliseconds()) & 0xFFFF_FFFF_FFFF
        let head = (0..<10).map { alphabet.utf8Start[Int(time >> UInt64(45 - 5 * $0) & 31)] }
        return String(decoding: head, as: UTF8.self) + chance.text(16, from: alphabet)
    }

    private func nanoid(_ count: Int) -> String {
        chance.text(count, from: "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict")
    }
}
