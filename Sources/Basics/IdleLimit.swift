/// After how long without use an instance goes to sleep: `never`, or a span of 1 second to 365 days,
/// written `30s`, `10m`, `2h`, `1d` (a bare number means seconds).
public enum IdleLimit: Sendable, Equatable {
    case never
    case seconds(Int)

    /// Ten minutes (design §4).
    public static let standard = IdleLimit.seconds(600)

    /// `nil` when the text is neither.
    public init?(_ text: String) {
        if text == "never" {
            self = .never
            return
        }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        var digits = Substring(text)
        var unit = 1
        if let last = digits.last, let factor = units[last] {
            unit = factor
            digits.removeLast()
        }
        guard digits.utf8.count <= 8, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits)
        else { return nil }
        let total = count * unit  // at most 99,999,999 × 86,400
        guard (1...365 * 86_400).contains(total) else { return nil }
        self = .seconds(total)
    }

    /// The shortest text that reads back as the same.
    public var text: String {
        switch self {
        case .never: return "never"
        case .seconds(let count):
            for (unit, factor) in [("d", 86_400), ("h", 3600), ("m", 60)] where count % factor == 0 {
                return "\(count / factor)\(unit)"
            }
            return "\(count)s"
        }
    }
}
