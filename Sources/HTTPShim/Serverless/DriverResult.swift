internal import HTTPWire
internal import PostgresSession

/// Writes what a statement gives in the drivers' form. Of several statements the last one that has rows is told. Nothing is sent
/// before the outcome is known or much has come: over a session an error behind a description would hang the client
/// (specification of the drivers §4.6).
final class DriverResult: ResultSink {
    enum Form {
        /// NDJSON.
        case lines
        /// A message that names the kind, and one with the same JSON.
        case frames
    }

    /// Bytes that are held back, at most, before the outcome is known.
    static let hold = 256 << 10
    /// Bytes that are sent at once afterwards.
    static let piece = 64 << 10

    private let form: Form
    private let isExec: Bool
    /// Text of a server with another encoding than UTF-8 can be anything.
    private let isTrusted: Bool
    private let send: ([UInt8]) async throws(PostgresError) -> Void

    private var bytes: [UInt8] = []
    private var line = JSONWriter()
    private var isInRows = false
    private(set) var hasSent = false
    private var affected = "0"

    /// - Parameter send: of the first bytes and all that follow.
    init(form: Form, isExec: Bool, isTrusted: Bool, send: @escaping ([UInt8]) async throws(PostgresError) -> Void) {
        self.form = form
        self.isExec = isExec
        self.isTrusted = isTrusted
        self.send = send
    }

    // MARK: From the session

    func take(_ result: ResultView, isRow: Bool) throws(PostgresError) -> Bool {
        if isExec {
            if !isRow { affected = CommandTag.count(result.commandTag) }
            return false
        }
        if !isInRows, result.columnCount > 0 {
            // Also a statement whose rows were not any.
            guard !hasSent else {
                var error = PostgresError(sqlState: "54000", message: "only the last of several statements can return that much")
                error.severity = "ERROR"
                throw error
            }
            bytes.removeAll(keepingCapacity: true)
            describe(result)
        }
        isInRows = isRow
        guard isRow else { return false }
        row(result)
        return bytes.count >= (hasSent ? DriverResult.piece : DriverResult.hold)
    }

    func flush() async throws(PostgresError) {
        guard !bytes.isEmpty else { return }
        hasSent = true
        // Given away, not copied.
        let piece = bytes
        bytes = []
        try await send(piece)
    }

    // MARK: Ends

    /// - Returns: the last bytes.
    func complete() -> [UInt8] {
        if isExec {
            line.raw("{\"columns\":[{\"name\":\"rowsAffected\",\"typeOid\":23}]}")
            end(.description)
            line.raw("{\"values\":[\"\(affected)\"]}")
            end(.row)
        }
        line.raw("{\"complete\":true}")
        end(.complete)
        return bytes
    }

    /// Rows behind those that were sent, for a client that is told of a failure next.
    func unsent() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    /// - Returns: the last bytes: of a result that was held back there is nothing else.
    func fail(_ error: PostgresError) -> [UInt8] {
        bytes = []
        line.bytes.removeAll()
        DriverFailure.write(error, into: &line)
        end(.error)
        return bytes
    }

    // MARK: Writing

    private enum Kind: String {
        case description, row = "datarow", complete, error
        var urn: String { "urn:prisma:query:result:\(rawValue)" }
    }

    private static let rowFrame = WebSocketFrame.encoded(.text, Kind.row.urn.utf8)

    /// Takes the line over into what is sent.
    private func end(_ kind: Kind) {
        defer { line.bytes.removeAll(keepingCapacity: true) }
        if !isTrusted, String(validating: line.bytes, as: UTF8.self) == nil {
            line.bytes = Array(String(decoding: line.bytes, as: UTF8.self).utf8)
        }
        switch form {
        case .lines:
            bytes.append(contentsOf: line.bytes)
            bytes.append(UInt8(ascii: "\n"))
        case .frames:
            if kind == .row {
                bytes.append(contentsOf: DriverResult.rowFrame)
            } else {
                WebSocketFrame.append(.text, kind.urn.utf8, to: &bytes)
            }
            WebSocketFrame.append(.text, line.bytes, to: &bytes)
        }
    }

    private func describe(_ result: ResultView) {
        line.raw("{\"columns\":[")
        for column in 0..<result.columnCount {
            if column > 0 { line.byte(UInt8(ascii: ",")) }
            line.raw("{\"name\":")
            line.string(result.columnName(column) ?? "")
            line.raw(",\"typeOid\":\(result.columnType(column))}")
        }
        line.raw("]}")
        end(.description)
    }

    private func row(_ result: ResultView) {
        line.raw("{\"values\":[")
        for column in 0..<result.columnCount {
            if column > 0 { line.byte(UInt8(ascii: ",")) }
            let isBytes = result.columnType(column) == DriverResult.bytea
            result.withCell(row: 0, column: column) { cell in
                guard let cell else { return line.null() }
                if isBytes { line.base64(ofBytea: cell) } else { line.string(cell) }
            }
        }
        line.raw("]}")
        end(.row)
    }

    private static let bytea: UInt32 = 17
}
