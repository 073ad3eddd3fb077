/// PostgreSQL's text form of arrays: `{1,NULL,"a \"b\"",{…}}`, with bounds `[0:1]=` before it (PostgreSQL manual §8.15.6).
enum ArrayLiteral {
    /// Deeper than PostgreSQL's own limit of six dimensions.
    private static let maximalDepth = 32

    /// - Parameter element: reads one element's text.
    /// - Returns: a list; nil when this is no array literal.
    static func parse(_ bytes: UnsafeRawBufferPointer, _ element: (UnsafeRawBufferPointer) -> Value) -> Value? {
        var position = 0
        if bytes.first == UInt8(ascii: "[") {
            guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            position = equals + 1
        }
        guard let list = list(bytes, &position, 0, element), position == bytes.count else { return nil }
        return .list(list)
    }

    private static func list(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ depth: Int, _ element: (UnsafeRawBufferPointer) -> Value
    ) -> [Value]? {
        guard depth < maximalDepth, position < bytes.count, bytes[position] == UInt8(ascii: "{") else { return nil }
        position += 1
        var values: [Value] = []
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return []
        }
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "{"):
                guard let inner = list(bytes, &position, depth + 1, element) else { return nil }
                values.append(.list(inner))
            case UInt8(ascii: "\""):
                guard let text = quoted(bytes, &position) else { return nil }
                values.append(text.withUnsafeBytes(element))
            default:
                let start = position
                while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: "}") { position += 1 }
                let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
                values.append(text.elementsEqual("NULL".utf8) ? .null : element(text))
            }
            guard position < bytes.count else { return nil }
            let separator = bytes[position]
            position += 1
            if separator == UInt8(ascii: "}") { return values }
            guard separator == UInt8(ascii: ",") else { return nil }
        }
        return nil
    }

    /// From the quote to behind the closing one; a backslash takes the next byte as it is.
    private static func quoted(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> [UInt8]? {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"):
                guard position < bytes.count else { return nil }
                text.append(bytes[position])
                position += 1
            default: text.append(byte)
            }
        }
        return nil
    }
}
