/// Header fields in their order, duplicates kept. A field is checked and its name lower-cased when it is made, so
/// that no list can hold an illegal one: nothing can smuggle a line break into a message.
public struct Headers: Sendable, Equatable {
    public struct Field: Sendable, Equatable {
        /// Lower case.
        public let name: String
        /// Without white space at its ends.
        public let value: String

        /// - Returns: nil when the name is not a token or the value has control characters.
        public init?(_ name: String, _ value: String) {
            let nameBytes = Array(name.utf8)
            let valueBytes = Array(value.utf8)
            guard Grammar.isToken(nameBytes[...]), valueBytes.allSatisfy(Grammar.isFieldContent) else { return nil }
            self.init(checkedName: nameBytes[...], checkedValue: String(decoding: Grammar.trimmed(valueBytes[...]), as: UTF8.self))
        }

        /// - Parameter wanted: in lower case. Most names differ in their lengths, which is found out at once.
        func isNamed(_ wanted: String) -> Bool { name.utf8.count == wanted.utf8.count && name == wanted }

        init(checkedName name: ArraySlice<UInt8>, checkedValue value: String) {
            self.name = String(unsafeUninitializedCapacity: name.count) { space in
                var count = 0
                for byte in name {
                    space[count] = Grammar.lowercased(byte)
                    count += 1
                }
                return count
            }
            self.value = value
        }
    }

    public private(set) var fields: [Field] = []

    public init() {}

    /// Illegal fields are left out, as `append` does.
    public init(_ pairs: KeyValuePairs<String, String>) {
        for (name, value) in pairs { append(name, value) }
    }

    public var isEmpty: Bool { fields.isEmpty }

    /// The first of that name, which is in lower case.
    public subscript(name: String) -> String? {
        // By index: to take a field out is to count references to its two strings.
        for index in fields.indices where fields[index].isNamed(name) { return fields[index].value }
        return nil
    }

    /// All of that name as one list (RFC 9110 §5.3).
    /// - Parameter name: in lower case.
    public func list(_ name: String) -> String? {
        var list: String?
        for index in fields.indices where fields[index].isNamed(name) {
            list = list.map { $0 + ", " + fields[index].value } ?? fields[index].value
        }
        return list
    }

    /// - Parameter name: in lower case.
    public func values(_ name: String) -> [String] {
        var values: [String] = []
        for index in fields.indices where fields[index].isNamed(name) { values.append(fields[index].value) }
        return values
    }

    /// - Parameter name: in lower case.
    /// - Returns: the elements of a list field (`Connection: a, b`) over all its lines, lower-cased, without white space.
    public func tokens(_ name: String) -> [String] {
        let values = values(name)
        guard !values.isEmpty else { return [] }
        return values.flatMap { value in
            value.lowercased().utf8.split(separator: UInt8(ascii: ",")).compactMap { part in
                let token = Grammar.trimmed(Array(part)[...])
                return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
            }
        }
    }

    /// - Returns: false, and nothing is added, when name or value is illegal.
    @discardableResult public mutating func append(_ name: String, _ value: String) -> Bool {
        guard let field = Field(name, value) else { return false }
        fields.append(field)
        return true
    }

    mutating func append(_ field: Field) { fields.append(field) }

    /// Replaces all of that name.
    /// - Returns: false, and nothing is changed, when name or value is illegal.
    @discardableResult public mutating func set(_ name: String, _ value: String) -> Bool {
        guard let field = Field(name, value) else { return false }
        fields.removeAll { $0.name == field.name }
        fields.append(field)
        return true
    }

    /// - Parameter name: in lower case.
    public mutating func remove(_ name: String) {
        fields.removeAll { $0.name == name }
    }

    func append(to bytes: inout [UInt8]) {
        for field in fields {
            bytes.append(text: field.name)
            bytes.append(text: ": ")
            bytes.append(text: field.value)
            bytes.append(text: "\r\n")
        }
    }
}

extension [UInt8] {
    /// As one piece where the text is one: several times faster than as a sequence.
    mutating func append(text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ append(contentsOf: $0) }) == nil { append(contentsOf: text.utf8) }
    }
}
