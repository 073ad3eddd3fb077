/// Limits that a request may set for itself (HTTP protocol specification §3.6). They only ever lower what holds anyway.
struct LimitHeaders {
    /// Milliseconds for one plan.
    var queryTimeout: Double?
    /// Milliseconds that a transaction may have.
    var transactionTimeout: Double?

    struct Malformed: Error { let name: String }

    init(_ header: (String) -> String?) throws(Malformed) {
        for name in ["x-query-timeout", "x-max-transaction-timeout", "x-max-response-size"] {
            guard let text = header(name) else { continue }
            switch name {
            case "x-max-response-size":
                guard LimitHeaders.isSize(text) else { throw Malformed(name: name) }
            default:
                guard let milliseconds = LimitHeaders.milliseconds(text) else { throw Malformed(name: name) }
                if name == "x-query-timeout" { queryTimeout = milliseconds } else { transactionTimeout = milliseconds }
            }
        }
    }

    /// ISO 8601 from `P` on, else a plain decimal integer.
    static func milliseconds(_ text: String) -> Double? {
        guard text.first == "P" else {
            let digits = text.first == "-" ? text.dropFirst() : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits == "0" || digits.first != "0" else {
                return nil
            }
            // Less than nothing is nothing, however many digits it has.
            return Double(text).map { max(0, $0) }
        }
        var total = 0.0
        var isTime = false
        var digits = ""
        var parts = 0
        for character in text.dropFirst() {
            switch character {
            case "T" where !isTime && digits.isEmpty: isTime = true
            case "0"..."9", ".": digits.append(character)
            default:
                let unit: Double? =
                    switch (isTime, character) {
                    case (false, "W"): 604_800_000
                    case (false, "D"): 86_400_000
                    case (true, "H"): 3_600_000
                    case (true, "M"): 60_000
                    case (true, "S"): 1000
                    default: nil
                    }
                guard let unit, let number = Double(digits) else { return nil }
                total += number * unit
                digits = ""
                parts += 1
            }
        }
        return digits.isEmpty && parts > 0 ? total : nil
    }

    /// `1000`, `1.5 MiB`
    private static func isSize(_ text: String) -> Bool {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }
        guard Double(number) != nil else { return false }
        return ["", "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"].contains(String(unit))
            && (!unit.isEmpty || !number.contains("."))
    }
}
