internal import Basics
internal import InstanceManager
internal import Loop
internal import PostgresSession

/// Opens sessions with an instance's databases, as the owner. Confined to the loop.
struct SessionOpening {
    enum Failure: Error {
        /// The server can't be had.
        case instance(DevError)
        /// The server refuses.
        case database(PostgresError)
    }

    /// So long a server is asked again that starts, recovers or goes away, and one that does not answer: nothing has been sent
    /// to it yet.
    private static func patience(_ error: PostgresError) -> Duration { error.sqlState == nil ? .seconds(5) : .seconds(30) }

    let loop: Loop
    let instances: any ShimInstances
    /// As pg_stat_activity shows it.
    let application: String

    /// Wakes the server if it sleeps. A backend's crash makes it refuse for a moment (57P03), and a server that goes may be
    /// found gone before its manager has seen it: users see that as a delay only.
    func session(_ id: String, _ database: String) async throws(Failure) -> Session {
        let begun = loop.clock.now
        var pause = 2
        while true {
            let endpoint: Endpoint
            do throws(DevError) { endpoint = try await instances.endpoint(id) } catch { throw .instance(error) }
            do throws(PostgresError) {
                return try await Session.connect(
                    loop: loop,
                    [
                        "host": endpoint.socketDirectory, "port": "5432", "user": "postgres", "dbname": database,
                        "application_name": application, "options": SessionSettings.options,
                    ], timeout: .seconds(10))
            } catch {
                guard error.isPassing, loop.clock.now - begun < Self.patience(error) else { throw .database(error) }
                do { try await loop.clock.sleep(for: .milliseconds(pause)) } catch {
                    throw .instance(DevError(.cancelled, "The client left", object: id))
                }
                pause = min(pause * 2, 100)
            }
        }
    }
}

extension PostgresError {
    /// Refused by a server that is on its way up or down.
    fileprivate var isPassing: Bool {
        guard let sqlState else { return kind == .connection }
        return SQLState.unavailable.contains(sqlState)
    }
}
