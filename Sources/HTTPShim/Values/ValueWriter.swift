internal import Basics

/// Values as JSON, by JavaScript's rules: what is undefined is missing from records and null in lists (§0).
enum ValueWriter {
    static func write(_ value: Value, into writer: inout JSONWriter) {
        switch value {
        case .undefined, .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.integer(value)
        case .double(let value): writer.double(value)
        case .numeric(let lexeme): writer.raw(JSNumber.canonical(lexeme))
        case .string(let text): writer.string(text)
        case .bytes(let bytes):
            writer.byte(UInt8(ascii: "\""))
            writer.bytes.append(contentsOf: Base64.encode(bytes))
            writer.byte(UInt8(ascii: "\""))
        case .date(let milliseconds): writer.string(Instant.iso(milliseconds))
        case .list(let elements): list(elements.count, into: &writer) { writer, index in write(elements[index], into: &writer) }
        case .rows(let slice): list(slice.count, into: &writer) { writer, index in write(.row(slice[index]), into: &writer) }
        case .record(let record): members(zip(record.shape.names, record.values), into: &writer)
        case .row(let row): members(row.record.members, into: &writer)
        case .mapped(let mapped): writer.bytes.append(contentsOf: mapped.bytes)
        case .raw(let table): RawTableWriter.write(table, into: &writer)
        }
    }

    private static func list(_ count: Int, into writer: inout JSONWriter, _ element: (inout JSONWriter, Int) -> Void) {
        writer.byte(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            element(&writer, index)
        }
        writer.byte(UInt8(ascii: "]"))
    }

    private static func members(_ members: some Sequence<(String, Value)>, into writer: inout JSONWriter) {
        writer.byte(UInt8(ascii: "{"))
        var isFirst = true
        for (name, value) in members {
            if case .undefined = value { continue }
            if !isFirst { writer.byte(UInt8(ascii: ",")) }
            isFirst = false
            writer.string(name)
            writer.byte(UInt8(ascii: ":"))
            write(value, into: &writer)
        }
        writer.byte(UInt8(ascii: "}"))
    }
}
