internal import Basics
internal import HandoffImage
internal import Loop
internal import PostgresWire

/// The daemon's first session with a server, taken through the hand-off as a client's is: it proves that the server
/// takes sessions, that the library is loaded and works, and carries the first questions, all for one connection.
enum HandoffProof {
    enum Outcome {
        /// The socket pair's end that the backend now serves, ready for a query. The tether is part of the session.
        case proved(RawSession)
        /// 57P01 to 57P03: not yet, or not any more.
        case unavailable(sqlState: String)
        /// The server answers, but not through the hand-off: its words or ours.
        case refused(String)
    }

    /// How long a server that has taken the connection may think.
    static let patience: Duration = .seconds(10)

    /// - Throws: when nobody listens (yet), or our descriptors are used up.
    static func run(loop: Loop, socketPath: String, random: UInt64) async throws(DevError) -> Outcome {
        let name = HandoffMessage.peerName(trusted: true, address: "127.0.0.1", port: 1, random: random)
        let tether = try await Socket.unix(loop: loop, path: socketPath, name: name)
        let pair: (Socket, Socket)
        do throws(DevError) {
            pair = try Socket.pair(loop: loop)
        } catch {
            tether.close()
            throw error
        }
        let session = RawSession(socket: pair.0, tether: tether)
        defer { pair.1.close() }
        // An end on time whatever happens: without the library the backend waits for a start-up packet, and we for it.
        let watch = TimerHandle(loop: loop)
        watch.start(after: patience) { session.close() }
        defer { watch.close() }
        do throws(DevError) {
            let packet = StartupPacket(
                user: "postgres", database: "postgres",
                [.init("application_name", WireText(ServerQueries.applicationName)), .init("client_encoding", "UTF8")])
            try await tether.write(HandoffMessage.encode(packet.encoded()), passing: pair.1.descriptor)
            var answer: [UInt8] = []
            let count = try await tether.read(into: &answer, max: 8192)
            if count == 0 || answer.first != HandoffMessage.taken {
                session.close()
                return refusal(answer)
            }
            // The backend has it; its end must be its alone, or we would not see it close.
            pair.1.close()
            if let message = try await session.greeted() {
                session.close()
                return ["57P01", "57P02", "57P03"].contains(message.code)
                    ? .unavailable(sqlState: message.code) : .refused("\(message.message) (\(message.code))")
            }
            return .proved(session)
        } catch {
            session.close()
            return .refused(error.cause ?? error.message)
        }
    }

    private static func refusal(_ answer: [UInt8]) -> Outcome {
        guard case .message(.error(let message), _) = BackendMessage.read(answer) else {
            return .refused("the library is not loaded or does not work here")
        }
        guard ["57P01", "57P02", "57P03"].contains(message.code) else { return .refused(message.message) }
        return .unavailable(sqlState: message.code)
    }
}

/// A session of the daemon over a socket that it holds itself: simple queries, text results, no libpq.
final class RawSession {
    private let socket: Socket
    private let tether: Socket
    private var bytes: [UInt8] = []

    init(socket: Socket, tether: Socket) {
        self.socket = socket
        self.tether = tether
    }

    func close() {
        socket.close()
        tether.close()
    }

    /// Reads to the first ReadyForQuery. - Returns: the server's refusal, if it refuses.
    func greeted() async throws(DevError) -> ServerMessage? {
        while true {
            switch try await next() {
            case .error(let message): return message
            case .readyForQuery: return nil
            case .authentication(let request) where request != .ok:
                throw DevError(.postgres, "The server asks the daemon for a password", object: "pg_hba.conf")
            default: break
            }
        }
    }

    /// One simple statement. - Throws: the server's refusal as `postgres`.
    func query(_ sql: String) async throws(DevError) -> [[String?]] {
        try await socket.write(ClientMessage.query(sql))
        var rows: [[String?]] = []
        var refusal: ServerMessage?
        while true {
            switch try await next() {
            case .error(let message): refusal = message
            case .other(UInt8(ascii: "D"), let body): rows.append(RawSession.cells(body))
            case .readyForQuery:
                if let refusal {
                    throw DevError(.postgres, "PostgreSQL refused (\(refusal.code))", object: "postgres", cause: refusal.message)
                }
                return rows
            default: break
            }
        }
    }

    private func next() async throws(DevError) -> BackendMessage {
        while true {
            switch BackendMessage.read(bytes) {
            case .message(let message, let end):
                bytes.removeFirst(end)
                return message
            case .bad(let why): throw DevError(.postgres, "The server said what is no message", object: "postgres", cause: why)
            case .needMore: break
            }
            guard try await socket.read(into: &bytes, max: 16_384) > 0 else {
                throw DevError(.postgres, "The server ended the session", object: "postgres")
            }
        }
    }

    /// The columns of a DataRow in text; what does not fit the form is left out.
    private static func cells(_ body: [UInt8]) -> [String?] {
        func number(_ position: Int, _ size: Int) -> Int? {
            guard position >= 0, position + size <= body.count else { return nil }
            let value = body[position..<position + size].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return size == 4 ? Int(Int32(bitPattern: value)) : Int(value)
        }
        guard let count = number(0, 2) else { return [] }
        var cells: [String?] = []
        var position = 2
        for _ in 0..<count {
            guard let length = number(position, 4) else { return cells }
            position += 4
            guard length >= 0 else {
                cells.append(nil)
                continue
            }
            guard length <= body.count - position else { return cells }
            cells.append(String(decoding: body[position..<position + length], as: UTF8.self))
            position += length
        }
        return cells
    }
}
