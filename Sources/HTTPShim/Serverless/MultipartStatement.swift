/// Reads the body of a statement over HTTP (specification of the drivers §2.1): the descriptor's part, then one for each long
/// value, cut by the size that the descriptor names, since a value may look like a boundary.
enum MultipartStatement {
    typealias Malformed = DriverStatement.Malformed

    /// - Parameter contentType: the request's, with the boundary.
    static func read(_ body: [UInt8], contentType: String) throws(Malformed) -> DriverStatement {
        guard let boundary = boundary(contentType) else { throw Malformed(reason: "The body must be multipart/form-data with a boundary") }
        var reader = Reader(body: body, delimiter: Array("--\(boundary)".utf8))
        try reader.require(reader.delimiter)
        guard try reader.part() == "urn:prisma:query:descriptor" else { throw Malformed(reason: "The first part must be the descriptor") }
        var statement = try DriverStatement(reader.untilDelimiter())
        while let (index, isBinary, count) = statement.awaited {
            guard try reader.part() == (isBinary ? "urn:prisma:query:param:binary" : "urn:prisma:query:param:text") else {
                throw Malformed(reason: "A part does not fit the descriptor's parameter \(index + 1)")
            }
            let bytes = Array(try reader.take(count))
            statement.slots[index] = isBinary ? .binary(bytes) : .text(bytes)
            try reader.require(Array("\r\n".utf8) + reader.delimiter)
        }
        try reader.require(Array("--".utf8))
        return statement
    }

    /// `multipart/form-data; profile="urn:prisma:query"; boundary=----x`, parameters in any order, quoted or not.
    static func boundary(_ contentType: String) -> String? {
        var parts: [Substring] = []
        var isQuoted = false
        var start = contentType.startIndex
        for index in contentType.indices {
            if contentType[index] == "\"" { isQuoted.toggle() }
            guard contentType[index] == ";", !isQuoted else { continue }
            parts.append(contentType[start..<index])
            start = contentType.index(after: index)
        }
        parts.append(contentType[start...])
        func trimmed(_ text: Substring) -> Substring {
            var text = text.drop { $0 == " " || $0 == "\t" }
            while text.last == " " || text.last == "\t" { text.removeLast() }
            return text
        }
        guard trimmed(parts[0]).lowercased() == "multipart/form-data" else { return nil }
        for part in parts.dropFirst() {
            let part = trimmed(part)
            guard part.lowercased().hasPrefix("boundary=") else { continue }
            var value = part.dropFirst("boundary=".count)
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return (1...200).contains(value.utf8.count) ? String(value) : nil
        }
        return nil
    }

    private struct Reader {
        let body: [UInt8]
        let delimiter: [UInt8]
        var position = 0

        init(body: [UInt8], delimiter: [UInt8]) {
            self.body = body
            self.delimiter = delimiter
        }

        mutating func require(_ bytes: [UInt8]) throws(Malformed) {
            guard body[position...].starts(with: bytes) else { throw Malformed(reason: "The body is not cut where its boundary says") }
            position += bytes.count
        }

        mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
            guard count <= body.count - position else { throw Malformed(reason: "The body is shorter than its descriptor says") }
            defer { position += count }
            return body[position..<position + count]
        }

        private mutating func line() throws(Malformed) -> ArraySlice<UInt8> {
            let rest = body[position...].prefix(4096)
            guard let end = rest.indices.first(where: { rest[$0] == 13 && rest.indices.contains($0 + 1) && rest[$0 + 1] == 10 }) else {
                throw Malformed(reason: "A part has no head")
            }
            defer { position = end + 2 }
            return body[position..<end]
        }

        /// Behind a boundary: the part's fields.
        /// - Returns: its name.
        mutating func part() throws(Malformed) -> String? {
            try require(Array("\r\n".utf8))
            var name: String?
            for _ in 0..<20 {
                let line = try line()
                if line.isEmpty { return name }
                let text = String(decoding: line, as: UTF8.self)
                guard text.lowercased().hasPrefix("content-disposition:"), let start = text.firstRange(of: "name=\"")?.upperBound,
                    let end = text[start...].firstIndex(of: "\"")
                else { continue }
                name = String(text[start..<end])
            }
            throw Malformed(reason: "A part has too many fields")
        }

        /// What lies before the next boundary, and passes over that.
        mutating func untilDelimiter() throws(Malformed) -> [UInt8] {
            let end = Array("\r\n".utf8) + delimiter
            var index = position
            while index + end.count <= body.count {
                if body[index] == 13, body[index...].starts(with: end) {
                    defer { position = index + end.count }
                    return Array(body[position..<index])
                }
                index += 1
            }
            throw Malformed(reason: "The descriptor does not end")
        }
    }
}
