/// A statement with its arguments, ready to be bound: what one `query` or `execute` sends, once per chunk.
struct Statement {
    var sql: String
    var values: [Value]
    var types: [ArgumentType]

    /// As it is logged: before PostgreSQL's conversion (§12).
    var parameterText: String {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            ValueWriter.write(value, into: &writer)
        }
        writer.byte(UInt8(ascii: "]"))
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
