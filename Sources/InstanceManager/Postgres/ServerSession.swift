internal import Basics
internal import Loop
internal import PostgresWire

/// Why a question to a server had no answer.
struct SessionError: Error, Sendable, Equatable {
    /// nil when it is not the server's word: nobody listens, the socket is gone, the time is over.
    var sqlState: String?
    var message: String
    var hint: String?

    init(sqlState: String?, message: String, hint: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.hint = hint
    }

    init(_ refusal: ServerMessage) {
        self.init(sqlState: refusal.code, message: refusal.message, hint: refusal.hint)
    }

    init(_ error: DevError) {
        self.init(sqlState: nil, message: error.cause.map { "\(error.message): \($0)" } ?? error.message)
    }
}

/// A session of the daemon's own with a server on its private socket, as the owner: simple queries, text results. Without
/// libpq, which brings twenty libraries for what these sessions never use (TLS, Kerberos, LDAP) and with them a fifth of
/// the daemon's memory and most of the time that it takes to start. Confined to the loop.
final class ServerSession {
    private let socket: Socket
    /// The private connection of a session that came through the hand-off; part of it.
    private let tether: Socket?
    private var bytes: [UInt8] = []

    init(socket: Socket, tether: Socket? = nil) {
        self.socket = socket
        self.tether = tether
    }

    /// - Parameter timeout: for all of it.
    /// - Throws: the server's refusal with its SQLSTATE (57P03 while it starts).
    static func connect(loop: Loop, path: String, packet: StartupPacket, timeout: Duration) async throws(SessionError) -> ServerSession {
        var session: ServerSession?
        var isLate = false
        let watch = TimerHandle(loop: loop)
        watch.start(after: timeout) {
            isLate = true
            session?.close()
        }
        defer { watch.close() }
        do throws(SessionError) {
            let opened = ServerSession(
                socket: try await refusing { () async throws(DevError) in try await Socket.unix(loop: loop, path: path) })
            session = opened
            if isLate { opened.close() }
            try await refusing { () async throws(DevError) in try await opened.socket.write(packet.encoded()) }
            if let refusal = try await opened.greeted() { throw SessionError(refusal) }
            return opened
        } catch {
            session?.close()
            throw isLate ? SessionError(sqlState: nil, message: "the server did not answer in time") : error
        }
    }

    func close() {
        socket.close()
        tether?.close()
    }

    /// Says goodbye and waits until the backend has gone, at most so long. One that is only left may still be there when the server
    /// is stopped, and complains in its log.
    func end(loop: Loop, within limit: Duration = .seconds(1)) async {
        let watch = TimerHandle(loop: loop)
        watch.start(after: limit) { self.close() }
        defer {
            watch.close()
            close()
        }
        do throws(DevError) {
            try await socket.write(ClientMessage.terminate())
            while try await socket.read(into: &bytes, max: 16_384) > 0 { bytes = [] }
        } catch {}
    }

    /// Reads to the first ReadyForQuery. - Returns: the server's refusal, if it refuses.
    func greeted() async throws(SessionError) -> ServerMessage? {
        while true {
            switch try await next() {
            case .error(let message): return message
            case .readyForQuery: return nil
            case .authentication(let request) where request != .ok:
                throw SessionError(sqlState: nil, message: "the server asks the daemon for a password (pg_hba.conf)")
            default: break
            }
        }
    }

    /// Statements without parameters. - Returns: the rows of all of them; a column is nil for NULL.
    @discardableResult
    func query(_ sql: String) async throws(SessionError) -> [[String?]] {
        try await ServerSession.refusing { () async throws(DevError) in try await self.socket.write(ClientMessage.query(sql)) }
        var rows: [[String?]] = []
        var refusal: ServerMessage?
        while true {
            switch try await next() {
            case .error(let message): refusal = message
            case .other(UInt8(ascii: "D"), let body): rows.append(ServerSession.cells(body))
            case .readyForQuery:
                if let refusal { throw SessionError(refusal) }
                return rows
            default: break
            }
        }
    }

    private func next() async throws(SessionError) -> BackendMessage {
        while true {
            switch BackendMessage.read(bytes) {
            case .message(let message, let end):
                bytes.removeFirst(end)
                return message
            case .bad(let why): throw SessionError(sqlState: nil, message: "the server said what is no message: \(why)")
            case .needMore: break
            }
            let count: Int
            do throws(DevError) { count = try await socket.read(into: &bytes, max: 16_384) } catch { throw SessionError(error) }
            guard count > 0 else { throw SessionError(sqlState: nil, message: "the server ended the session") }
        }
    }

    private static func refusing<T>(_ work: () async throws(DevError) -> T) async throws(SessionError) -> T {
        do throws(DevError) { return try await work() } catch { throw SessionError(error) }
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
