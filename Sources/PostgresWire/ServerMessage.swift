/// The body of an ErrorResponse or NoticeResponse: fields by their one-byte code, in order.
public struct ServerMessage: Error, Sendable, Equatable {
    public struct Field: Sendable, Equatable {
        public var code: UInt8
        public var value: WireText
        public init(_ code: UInt8, _ value: WireText) {
            self.code = code
            self.value = value
        }
    }

    public var fields: [Field]

    public init(fields: [Field]) { self.fields = fields }

    /// - Parameters:
    ///   - code: SQLSTATE, five characters.
    ///   - source: PostgreSQL's file and function that says the same, for drivers that show them.
    public init(
        severity: String = "FATAL", code: String, _ message: WireText, detail: WireText? = nil, hint: WireText? = nil,
        source: (file: String, routine: String)? = nil
    ) {
        fields = [
            Field(UInt8(ascii: "S"), WireText(severity)), Field(UInt8(ascii: "V"), WireText(severity)),
            Field(UInt8(ascii: "C"), WireText(code)), Field(UInt8(ascii: "M"), message),
        ]
        if let detail { fields.append(Field(UInt8(ascii: "D"), detail)) }
        if let hint { fields.append(Field(UInt8(ascii: "H"), hint)) }
        if let source {
            fields.append(Field(UInt8(ascii: "F"), WireText(source.file)))
            fields.append(Field(UInt8(ascii: "R"), WireText(source.routine)))
        }
    }

    /// By the field's code letter.
    public subscript(code: UInt8) -> String? { fields.first { $0.code == code }?.value.string }

    /// Not translated (field V), since 9.6; else the translated one.
    public var severity: String { self[UInt8(ascii: "V")] ?? self[UInt8(ascii: "S")] ?? "" }
    /// SQLSTATE.
    public var code: String { self[UInt8(ascii: "C")] ?? "" }
    public var message: String { self[UInt8(ascii: "M")] ?? "" }
    public var detail: String? { self[UInt8(ascii: "D")] }
    public var hint: String? { self[UInt8(ascii: "H")] }
}

extension ServerMessage {
    /// As a whole ErrorResponse.
    public func encoded() -> [UInt8] { BackendMessage.error(self).encoded() }

    /// What clients of protocol 2 and older read: `E`, and one string.
    public func encodedForProtocol2() -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "E")]
        bytes.appendCString("\(severity):  \(message)\n".utf8)
        return bytes
    }

    func appendFields(to bytes: inout [UInt8]) {
        for field in fields where field.code != 0 {
            bytes.append(field.code)
            bytes.appendCString(field.value.bytes)
        }
        bytes.append(0)
    }

    /// - Returns: nil unless the fields end with a zero byte exactly at the message's end.
    init?(_ cursor: inout ByteCursor) {
        fields = []
        while let code = cursor.byte() {
            if code == 0 {
                guard cursor.isAtEnd else { return nil }
                return
            }
            guard let value = cursor.cString() else { return nil }
            fields.append(Field(code, WireText(value)))
        }
        return nil
    }
}

extension ServerMessage: CustomStringConvertible {
    public var description: String { "\(severity) \(code): \(message)" }
}
