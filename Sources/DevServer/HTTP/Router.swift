internal import Basics
internal import HTTPShim
internal import HTTPWire

/// Where a streaming answer's pieces go. Confined to the loop.
protocol AnswerStream: AnyObject {
    /// Sends one piece now; suspends while the client does not read.
    /// - Throws: when the client has gone.
    func send(_ bytes: [UInt8]) async throws(DevError)
}

enum Answer: Sendable {
    case whole(HTTPResponse)
    /// Pieces as they come; runs on the loop. When the client goes, work that it asked for is still done;
    /// `endsWithClient`: it is cancelled then (following a log).
    case stream(headers: Headers, endsWithClient: Bool, @Sendable (any AnswerStream) async -> Void)
    /// Whole or in pieces, as it turns out; runs on the loop, cancelled when the client goes. The connection goes on behind it.
    case attended(@Sendable (any DriverReply) async -> Void)
    /// The bytes of a 101 answer, and what speaks with the client from then on; runs on the loop, cancelled when the server closes.
    case upgrade([UInt8], @Sendable (any ByteChannel) async -> Void)

    static func text(_ status: Int, _ text: String) -> Answer {
        .whole(HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array(text.utf8)))
    }
    /// What Prisma's executor says to everything it does not know.
    static let notFound = Answer.text(404, "404 Not Found")
}

/// Method and path to handler; knows no sockets, so that it is tested in memory.
struct Router: Sendable {
    typealias Handler = @Sendable (HTTPRequest) async -> Answer

    private var handlers: [String: Handler] = [:]
    /// Asked first; an answer ends it.
    var gate: @Sendable (RequestHead) -> Answer? = { _ in nil }
    /// Asked about what has no handler of its own; nil: it is nobody's.
    var others: @Sendable (HTTPRequest) async -> Answer? = { _ in nil }
    var otherwise: @Sendable (RequestHead) -> Answer = { _ in .notFound }

    mutating func on(_ method: String, _ path: String, _ handler: @escaping Handler) { handlers["\(method) \(path)"] = handler }

    func answer(_ request: HTTPRequest) async -> Answer {
        if let refused = gate(request.head) { return refused }
        if let handler = handlers["\(request.head.method) \(request.head.path)"] { return await handler(request) }
        return await others(request) ?? otherwise(request.head)
    }
}
