/// The JSON that a dataMap made, ready for the answer. Something that looks into it, which no compiler's plan does, reads
/// it back.
final class MappedValue {
    /// What stands before it in nearly every answer, so that it needs not be moved for it.
    static let lead = Array("{\"data\":".utf8)

    private var answer: [UInt8]
    /// - Parameter answer: `lead` and the JSON.
    init(_ answer: [UInt8]) { self.answer = answer }

    /// The JSON.
    var bytes: ArraySlice<UInt8> { answer.dropFirst(MappedValue.lead.count) }

    /// With `lead`, and the caller's alone from now on.
    func takeAnswer() -> [UInt8] {
        defer { answer = [] }
        return answer
    }

    var value: Value { (try? JSONScanner.parse(bytes)).map { Value($0) } ?? .undefined }
}

/// What a raw query gives: a result with its columns' types (§7.2).
final class RawTable {
    let rows: RowSet
    init(_ rows: RowSet) { self.rows = rows }
}
