internal import Basics
internal import HTTPShim
internal import HTTPWire

/// One answer of the `attended` kind on its connection. Confined to the loop.
final class AttendedAnswer: DriverReply {
    private let connection: HTTPConnection
    private let head: RequestHead
    private var isStream = false
    /// Whether another request may follow; without an answer it may not.
    private var mayGoOn = false

    init(_ connection: HTTPConnection, _ head: RequestHead) {
        self.connection = connection
        self.head = head
    }

    private static let gone = DevError(.cancelled, "The client has gone", object: "connection")

    func answer(_ response: HTTPResponse) async throws(DevError) { mayGoOn = await connection.send(response, for: head) }

    func begin(_ headers: Headers) async throws(DevError) {
        isStream = true
        guard await connection.begin(ResponseStream(status: 200, headers: headers, for: head, keepAlive: connection.keepAlive)) else {
            throw AttendedAnswer.gone
        }
    }

    func send(_ bytes: [UInt8]) async throws(DevError) { try await connection.send(bytes) }

    /// - Returns: whether the connection goes on.
    func end() async -> Bool { isStream ? await connection.end() : mayGoOn }
}
