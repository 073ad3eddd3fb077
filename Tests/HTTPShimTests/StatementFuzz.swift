#if !FUZZING
    @testable import HTTPShim
#endif

/// What must hold for any body of a serverless driver's statement.
/// - Parameter bytes: the body, with the boundary `B`; behind them the same as a descriptor, as a content type, as bytea.
func checkStatement(_ bytes: [UInt8]) throws {
    if let statement = try? MultipartStatement.read(bytes, contentType: "multipart/form-data; boundary=B") {
        guard statement.awaited == nil, statement.byteCount <= 100 * bytes.count + 1000 else {
            throw StatementPromise(description: "a statement that was read is whole, and no larger than its body")
        }
        _ = try? statement.parameters()
    }
    if let statement = try? DriverStatement(bytes) { _ = (statement.awaited, statement.awaitedBytes, statement.byteCount) }
    let text = String(decoding: bytes, as: UTF8.self)
    if let boundary = MultipartStatement.boundary(text), !(1...200).contains(boundary.utf8.count) {
        throw StatementPromise(description: "a boundary has a length")
    }
    guard !CommandTag.count(text).isEmpty else { throw StatementPromise(description: "a count has digits") }
    var writer = JSONWriter()
    bytes.withUnsafeBytes { writer.base64(ofBytea: $0) }
    guard (try? JSONScanner.parse(writer.bytes))?.string != nil else { throw StatementPromise(description: "a bytea is a string") }
}

struct StatementPromise: Error, CustomStringConvertible { var description: String }
