internal import Basics
internal import HandoffImage
internal import Loop
internal import PostgresWire

/// The daemon's first session with a server, taken through the hand-off as a client's is: it proves that the server
/// takes sessions, that the library is loaded and works, and carries the first questions, all for one connection.
enum HandoffProof {
    enum Outcome {
        /// The socket pair's end that the backend now serves, ready for a query. The tether is part of the session.
        case proved(ServerSession, OwnLogin)
        /// 57P01 to 57P03: not yet, or not any more.
        case unavailable(sqlState: String)
        /// The server got the session by the hand-off, and refused us, as it may refuse the owner: its words. What clients are told is
        /// its affair too.
        case judged(sqlState: String, String)
        /// The server answers, but not through the hand-off: its words or ours.
        case refused(String)
    }

    /// How long a server that has taken the connection may think.
    static let patience: Duration = .seconds(10)

    /// - Throws: when nobody listens (yet), or our descriptors are used up.
    static func run(loop: Loop, socketPath: String, random: () -> UInt64, login: OwnLogin) async throws(DevError) -> Outcome {
        var login = login
        while true {
            let outcome = try await attempt(loop: loop, socketPath: socketPath, random: random(), login)
            guard case .judged(let sqlState, _) = outcome, login.adapt(to: sqlState) else { return outcome }
        }
    }

    private static func attempt(loop: Loop, socketPath: String, random: UInt64, _ login: OwnLogin) async throws(DevError) -> Outcome {
        let name = HandoffMessage.peerName(trusted: true, address: "127.0.0.1", port: 1, random: random)
        let tether = try await Socket.unix(loop: loop, path: socketPath, name: name)
        let pair: (Socket, Socket)
        do throws(DevError) {
            pair = try Socket.pair(loop: loop)
        } catch {
            tether.close()
            throw error
        }
        let session = ServerSession(socket: pair.0, tether: tether)
        defer { pair.1.close() }
        // An end on time whatever happens: without the library the backend waits for a start-up packet, and we for it.
        let watch = TimerHandle(loop: loop)
        watch.start(after: patience) { session.close() }
        defer { watch.close() }
        do throws(DevError) {
            // The one thing it may write is the first password, which the next start would write again: no fsync.
            let packet = login.packet(more: " -c synchronous_commit=off")
            try await tether.write(HandoffMessage.encode(packet.encoded()), passing: pair.1.descriptor)
            var answer: [UInt8] = []
            let count = try await tether.read(into: &answer, max: 8192)
            if count == 0 || answer.first != HandoffMessage.taken {
                session.close()
                return refusal(answer)
            }
            // The backend has it; its end must be its alone, or we would not see it close.
            pair.1.close()
        } catch {
            session.close()
            return .refused(error.cause ?? error.message)
        }
        do throws(SessionError) {
            guard let message = try await session.greeted() else { return .proved(session, login) }
            session.close()
            return SQLState.unavailable.contains(message.code)
                ? .unavailable(sqlState: message.code) : .judged(sqlState: message.code, message.message)
        } catch {
            session.close()
            return .refused(error.message)
        }
    }

    private static func refusal(_ answer: [UInt8]) -> Outcome {
        guard case .message(.error(let message), _) = BackendMessage.read(answer) else {
            return .refused("the library is not loaded or does not work here")
        }
        guard SQLState.unavailable.contains(message.code) else { return .refused(message.message) }
        return .unavailable(sqlState: message.code)
    }
}
