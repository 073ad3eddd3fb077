public import Basics
public import HTTPWire

/// Where an answer to a statement goes. Confined to the loop.
public protocol DriverReply: AnyObject {
    /// All of it at once.
    func answer(_ response: HTTPResponse) async throws(DevError)
    /// The head of one that comes in pieces.
    func begin(_ headers: Headers) async throws(DevError)
    /// A piece; suspends while the client does not read.
    func send(_ bytes: [UInt8]) async throws(DevError)
}

/// A connection that has left HTTP behind. Confined to the loop; one task may receive while another sends.
public protocol ByteChannel: AnyObject {
    /// Appends what has come; suspends until there is something. 0 = the peer has ended its stream.
    func receive(into buffer: inout [UInt8]) async throws(DevError) -> Int
    /// Suspends while the peer does not read.
    func send(_ bytes: [UInt8]) async throws(DevError)
    /// Ends our direction.
    func finish()
}

/// What the serverless drivers are answered.
public enum DriverAnswer: Sendable {
    case whole(HTTPResponse)
    /// A statement: to be cancelled when its client goes.
    case statement(@Sendable (any DriverReply) async -> Void)
    /// Send the bytes, then leave the connection to this.
    case session(upgrade: [UInt8], @Sendable (any ByteChannel) async -> Void)
}
