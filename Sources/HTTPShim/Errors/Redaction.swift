/// Connection strings in what a client is told lose all they say (query plan specification §10.1): they hold passwords.
enum Redaction {
    static func applied(to failure: PlanFailure) -> PlanFailure {
        var failure = failure
        failure.message = text(failure.message)
        failure.meta = failure.meta.map(json)
        return failure
    }

    private static let schemes = ["postgres://", "postgresql://", "mysql://", "mariadb://", "sqlserver://"]

    static func text(_ text: String) -> String {
        guard text.contains("://") else { return text }
        var result = ""
        var rest = Substring(text)
        while let found = schemes.compactMap({ scheme in rest.firstRange(of: scheme) }).min(by: { $0.lowerBound < $1.lowerBound }) {
            var before = rest[..<found.lowerBound]
            let end = rest[found.upperBound...].firstIndex { $0.isWhitespace || "\"'`".contains($0) } ?? rest.endIndex
            rest = rest[end...]
            // A quote on both sides goes too.
            if let quote = before.last, "\"'`".contains(quote) {
                before = before.dropLast()
                if rest.first == quote { rest = rest.dropFirst() }
            }
            result += before + "[REDACTED]"
        }
        return result + rest
    }

    private static func json(_ value: JSON) -> JSON {
        switch value {
        case .string(let text): .string(Redaction.text(text))
        case .array(let elements): .array(elements.map(json))
        case .object(let members): .object(members.map { JSON.Member($0.key, json($0.value)) })
        default: value
        }
    }
}
