internal import Basics
internal import Loop
internal import Registry

/// Why a client is not taken to a server.
enum Departure: Error {
    /// It is told so: bytes of the protocol.
    case say([UInt8])
    /// It has gone, or gets no answer from PostgreSQL either; the reason is for the log.
    case silent(String)

    init(_ error: DevError) { self = .silent(error.description) }
}

/// A client between its connect and its server: the socket and what has been read ahead. Confined to the client's task.
final class Visit {
    /// Where a client came in and where it comes from.
    struct Origin: Sendable {
        /// The instance's.
        var id: String
        var kind: PortRecord.Kind
        /// Ours and the client's: a loopback address.
        var address: String
        var port: UInt16
    }

    let number: Int
    let origin: Origin
    var id: String { origin.id }
    let socket: Socket
    /// Read and not used yet.
    private(set) var bytes: [UInt8]
    /// The owner's password has been checked by the front.
    var isTrusted = false

    init(number: Int, origin: Origin, socket: Socket, said: [UInt8]) {
        self.number = number
        self.origin = origin
        self.socket = socket
        bytes = said
    }

    /// Waits for more.
    /// - Parameter later: as it answers to what we have just said.
    func more(limit: Int, later: Bool = false) async throws(Departure) {
        guard bytes.count < limit else { throw .silent("too much before the login") }
        // Not in place: the buffer would be held exclusively while we wait.
        var gathered = bytes
        let count: Int
        do throws(DevError) {
            count = try await socket.read(into: &gathered, max: limit - gathered.count, later: later)
        } catch {
            throw Departure(error)
        }
        guard count > 0 else { throw .silent("the client left") }
        bytes = gathered
    }

    func drop(_ count: Int) { bytes.removeFirst(min(count, bytes.count)) }

    func write(_ bytes: [UInt8]) async throws(Departure) {
        do throws(DevError) { try await socket.write(bytes) } catch { throw Departure(error) }
    }
}
