public import Loop

/// How a server answers, in grades as PQping has them, but without blocking: "alive but not accepting yet" is
/// no reason to kill.
public enum Ping: Sendable, Equatable {
    /// Takes sessions (or would: too many clients, wrong database and wrong password are answers too).
    case accepting
    /// Starting, recovering or shutting down (57P03), in the server's words.
    case rejecting(String)
    /// Nobody listens, or the answer did not come in time.
    case noAnswer(String)

    /// - Parameters: as `Session.connect`.
    public static func ask(loop: Loop, _ parameters: [String: String], timeout: Duration) async -> Ping {
        do throws(PostgresError) {
            try await Session.connect(loop: loop, parameters, timeout: timeout).close()
            return .accepting
        } catch {
            switch error.sqlState {
            case "57P03": return .rejecting(error.message)
            case .some: return .accepting
            case nil: return .noAnswer(error.message)
            }
        }
    }
}
