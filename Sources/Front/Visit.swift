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
    let number: Int
    let id: String
    let kind: PortRecord.Kind
    let socket: Socket
    /// Read and not used yet.
    private(set) var bytes: [UInt8] = []
    /// The owner's password has been checked by the front.
    var isTrusted = false

    init(number: Int, id: String, kind: PortRecord.Kind, socket: Socket) {
        self.number = number
        self.id = id
        self.kind = kind
        self.socket = socket
    }

    /// Waits for more.
    func more(limit: Int) async throws(Departure) {
        guard bytes.count < limit else { throw .silent("too much before the login") }
        // Not in place: the buffer would be held exclusively while we wait.
        var gathered = bytes
        let count: Int
        do throws(DevError) {
            count = try await socket.read(into: &gathered, max: limit - gathered.count)
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
