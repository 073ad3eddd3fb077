internal import Basics
internal import DevAPI

/// The lines of an answer of the control API (DevAPI/Requests.swift).
enum ControlLine {
    private struct Result<Value: Encodable>: Encodable { var result: Value }
    private struct Failure: Encodable { var error: DevError }
    private struct Progress: Encodable { var progress: String }
    private struct Line: Encodable { var line: String }
    private struct Position: Encodable { var at: LogPosition }

    static func result(_ value: some Encodable) -> [UInt8] { encode(Result(result: value)) }
    static func error(_ error: DevError) -> [UInt8] { encode(Failure(error: error)) }
    static func progress(_ text: String) -> [UInt8] { encode(Progress(progress: text)) }
    static func line(_ text: String) -> [UInt8] { encode(Line(line: text)) }
    static func position(_ position: LogPosition) -> [UInt8] { encode(Position(at: position)) }

    private static func encode(_ value: some Encodable) -> [UInt8] {
        // Our own values always encode; a failure would be a mistake of ours, and is still an answer.
        guard let text = try? JSONText.compact(value) else {
            return Array(
                #"{"error":{"cause":null,"code":"internal","help":null,"message":"The answer could not be written","object":"devd"}}"#.utf8)
                + [10]
        }
        return Array(text.utf8) + [10]
    }
}

/// Tells the client what is being done; a client that has gone does not stop what it asked for.
final class Progress {
    private let stream: any AnswerStream
    init(_ stream: any AnswerStream) { self.stream = stream }
    func say(_ text: String) async { try? await stream.send(ControlLine.progress(text)) }
    /// - Throws: when the client has gone: whoever only tells stops then.
    func line(_ text: String) async throws(DevError) { try await stream.send(ControlLine.line(text)) }
    func position(_ position: LogPosition) async throws(DevError) { try await stream.send(ControlLine.position(position)) }
}
