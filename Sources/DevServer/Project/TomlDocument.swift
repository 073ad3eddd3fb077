internal import Basics
internal import CToml

/// A parsed TOML document: the nodes in the order in which they stand in the text, each with its place.
struct TomlDocument {
    enum Kind: String {
        case table = "a table"
        case array = "an array"
        case string = "a string"
        case integer = "an integer"
        case float = "a number"
        case boolean = "true or false"
        case date = "a date"
    }

    struct Node {
        /// Keys from the root; an array's elements have the array's path.
        var path: [String]
        var kind: Kind
        /// Scalars as text.
        var value: String
        /// 1-based.
        var line: Int
        var column: Int
        var isElement: Bool
    }

    struct SyntaxError: Error {
        var text: String
        var line: Int
        var column: Int
    }

    let nodes: [Node]

    init(_ text: [UInt8]) throws(SyntaxError) {
        let parsed = text.withUnsafeBytes { devdb_toml_parse($0.bindMemory(to: CChar.self).baseAddress, $0.count) }
        guard let document = parsed else { throw SyntaxError(text: "out of memory", line: 0, column: 0) }
        defer { devdb_toml_free(document) }
        var line: UInt32 = 0
        var column: UInt32 = 0
        if let error = devdb_toml_error(document, &line, &column) {
            throw SyntaxError(text: String(cString: error), line: Int(line), column: Int(column))
        }
        var found: [Node] = []
        for index in 0..<devdb_toml_count(document) {
            let node = devdb_toml_at(document, index)
            // Parents come first, so `found` has them; toml++ sorts tables by key, hence the sort below.
            let parent = node.parent >= 0 && node.parent < found.count ? found[node.parent] : nil
            let isElement = parent?.kind == .array
            found.append(
                Node(
                    path: (parent?.path ?? []) + (isElement ? [] : [Self.text(node.key, node.key_length)]),
                    kind: Self.kind(node.kind), value: Self.text(node.value, node.value_length), line: Int(node.line),
                    column: Int(node.column), isElement: isElement))
        }
        nodes = found.sorted { ($0.line, $0.column, $0.path.count) < ($1.line, $1.column, $1.path.count) }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?, _ length: Int) -> String {
        guard let pointer else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
    }

    private static func kind(_ raw: Int32) -> Kind {
        switch UInt32(raw) {
        case DEVDB_TOML_TABLE.rawValue: .table
        case DEVDB_TOML_ARRAY.rawValue: .array
        case DEVDB_TOML_STRING.rawValue: .string
        case DEVDB_TOML_INTEGER.rawValue: .integer
        case DEVDB_TOML_FLOAT.rawValue: .float
        case DEVDB_TOML_BOOLEAN.rawValue: .boolean
        default: .date
        }
    }
}
