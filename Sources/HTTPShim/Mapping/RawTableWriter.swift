internal import PostgresSession

/// The answer of a raw query: `{"columns":[…],"types":[…],"rows":[[…]…]}` (query plan specification §7.2).
enum RawTableWriter {
    static func write(_ table: RawTable, into writer: inout JSONWriter) {
        let rows = table.rows
        writer.raw("{\"columns\":[")
        for (index, name) in rows.columns.names.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.string(name)
        }
        writer.raw("],\"types\":[")
        for (index, reader) in rows.columns.readers.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.string(reader.rawType)
        }
        writer.raw("],\"rows\":[")
        for row in 0..<rows.count {
            if row > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.byte(UInt8(ascii: "["))
            for (column, reader) in rows.columns.readers.enumerated() {
                if column > 0 { writer.byte(UInt8(ascii: ",")) }
                rows.result.withCell(row: rows.resultRow(row), column: column) { bytes in
                    if let bytes { cell(bytes, reader, into: &writer) } else { writer.null() }
                }
            }
            writer.byte(UInt8(ascii: "]"))
        }
        writer.raw("]}")
    }

    private static func cell(_ bytes: UnsafeRawBufferPointer, _ reader: CellReader, into writer: inout JSONWriter) {
        if reader.isArray { return array(reader.value(bytes), reader, into: &writer) }
        switch reader.kind {
        case .int: writer.bytes.append(contentsOf: bytes)
        case .float where CellWriter.isPlainNumber(bytes), .double where CellWriter.isPlainNumber(bytes):
            writer.bytes.append(contentsOf: bytes)
        case .json: json(bytes, into: &writer)
        case .text, .uuid, .bigint, .oid, .numeric, .date, .time, .characters: writer.string(bytes)
        default: ValueWriter.write(reader.scalar(bytes), into: &writer)
        }
    }

    /// The JSON value itself, as PostgreSQL has it: a `$type` inside means nothing, and no digit is rounded.
    private static func json(_ bytes: UnsafeRawBufferPointer, into writer: inout JSONWriter) { writer.bytes.append(contentsOf: bytes) }

    private static func array(_ value: Value, _ reader: CellReader, into writer: inout JSONWriter) {
        guard reader.kind == .json, let elements = value.elements else { return ValueWriter.write(value, into: &writer) }
        writer.byte(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            if case .string(var text) = element {
                text.withUTF8 { json(UnsafeRawBufferPointer($0), into: &writer) }
            } else {
                ValueWriter.write(element, into: &writer)
            }
        }
        writer.byte(UInt8(ascii: "]"))
    }
}
