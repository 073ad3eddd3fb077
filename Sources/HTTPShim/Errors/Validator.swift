/// Rules of `validate` and `if` (query plan specification §10.4).
enum Validator {
    /// - Throws: plain, for a rule that is none.
    static func holds(_ rule: Rule, _ data: Value) throws(PlanFailure) -> Bool {
        switch rule {
        case .rowCountEqual(let count): return Double(rowCount(data)) == count
        case .rowCountNotEqual(let count): return Double(rowCount(data)) != count
        case .affectedRowCountEqual(let count): return data.plain.number == count
        case .never: return false
        case .unknown(let type): throw .plain("Unknown rule type: \(type)")
        }
    }

    /// null has none; whatever is no list counts as one, undefined too.
    private static func rowCount(_ data: Value) -> Int {
        if case .null = data.plain { return 0 }
        return data.listCount ?? 1
    }

    static func failure(_ validation: Validation, _ data: Value) -> PlanFailure {
        let context = validation.context
        func text(_ name: String) -> String { context[name].map { $0.string ?? $0.text } ?? "undefined" }
        let found = data.listCount.map(String.init) ?? ValueText.string(data)
        let missing = "An operation failed because it depends on one or more records that were required but not found. "
        let (code, message): (String, String)
        switch validation.identifier {
        case "RELATION_VIOLATION":
            (code, message) = (
                "P2014",
                "The change you are trying to make would violate the required relation '\(text("relation"))' between the `\(text("modelA"))` and `\(text("modelB"))` models."
            )
        case "RECORDS_NOT_CONNECTED":
            (code, message) = (
                "P2017",
                "The records for relation `\(text("relation"))` between the `\(text("parent"))` and `\(text("child"))` models are not connected."
            )
        case "INCOMPLETE_CONNECT_OUTPUT":
            (code, message) = (
                "P2018",
                "The required connected records were not found. Expected \(text("expectedRows")) records to be connected after connect operation on \(text("relationType")) relation '\(text("relation"))', found \(found)."
            )
        case "MISSING_RECORD": (code, message) = ("P2025", missing + "No record was found for \(text("operation")).")
        case "MISSING_RELATED_RECORD":
            let needed = context.present("neededFor").map { " (needed to \($0.string ?? $0.text))" } ?? ""
            (code, message) = (
                "P2025",
                missing
                    + "No '\(text("model"))' record\(needed) was found for \(text("operation")) on \(text("relationType")) relation '\(text("relation"))'."
            )
        case "INCOMPLETE_CONNECT_INPUT":
            (code, message) = ("P2025", missing + "Expected \(text("expectedRows")) records to be connected, found only \(found).")
        // Upstream's very words: it prints the whole node.
        default: return .plain("Unknown error identifier: [object Object]")
        }
        return .user(code, message, meta: context)
    }
}
