/// The JSON that a dataMap made, ready for the answer. Something that looks into it, which no compiler's plan does, reads
/// it back.
final class MappedValue {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var value: Value { (try? JSONScanner.parse(bytes)).map { Value($0) } ?? .undefined }
}

/// What a raw query gives: a result with its columns' types (§7.2).
final class RawTable {
    let rows: RowSet
    init(_ rows: RowSet) { self.rows = rows }
}
