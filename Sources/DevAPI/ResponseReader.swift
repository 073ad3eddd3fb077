/// Just enough of HTTP/1.1 for the control socket's answers.
struct ResponseReader {
    struct Head {
        var status: Int
        var fields: [(name: String, value: String)]
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }
    private(set) var head: Head?
    private(set) var isComplete = false
    private var buffer: [UInt8] = []
    private var left: Int?
    private var chunked = false
    private var inTrailer = false

    /// - Returns: body bytes; nil when this is no HTTP.
    mutating func feed(_ bytes: [UInt8]) -> [UInt8]? {
        buffer += bytes
        if head == nil {
            guard let end = find([13, 10, 13, 10]) else { return buffer.count > 65_536 ? nil : [] }
            guard let parsed = Self.parse(Array(buffer[..<end])) else { return nil }
            buffer.removeSubrange(..<(end + 4))
            head = parsed
            chunked = parsed.value("transfer-encoding")?.lowercased() == "chunked"
            if !chunked {
                guard let length = parsed.value("content-length").flatMap({ Int($0) }), length >= 0 else { return nil }
                left = length
            }
        }
        var body: [UInt8] = []
        while !isComplete {
            if let wanted = left {
                let count = min(wanted, buffer.count)
                body += buffer.prefix(count)
                buffer.removeFirst(count)
                guard count == wanted else { return body }
                if !chunked {
                    isComplete = true
                    return body
                }
                guard buffer.count >= 2 else {
                    left = 0
                    return body
                }
                buffer.removeFirst(2)
                left = nil
            }
            guard let end = find([13, 10]) else { return body }
            let line = String(decoding: buffer[..<end], as: UTF8.self)
            buffer.removeSubrange(..<(end + 2))
            if inTrailer {
                if line.isEmpty { isComplete = true }
                continue
            }
            guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else { return nil }
            if size == 0 { inTrailer = true } else { left = size }
        }
        return body
    }

    private func find(_ pattern: [UInt8]) -> Int? {
        guard buffer.count >= pattern.count else { return nil }
        return (0...(buffer.count - pattern.count)).first { buffer[$0..<($0 + pattern.count)].elementsEqual(pattern) }
    }

    private static func parse(_ bytes: [UInt8]) -> Head? {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3)) else { return nil }
        var fields: [(String, String)] = []
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            fields.append((parts[0].lowercased(), String(parts[1].drop { $0 == " " })))
        }
        return Head(status: status, fields: fields)
    }
}
