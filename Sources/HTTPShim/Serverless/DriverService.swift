public import Basics
public import HTTPWire
internal import InstanceManager
public import Loop
internal import PostgresSession
internal import Registry

/// Answers Prisma's serverless drivers: statements over HTTP, sessions over WebSocket.
///
/// `@unchecked Sendable`: touched on the loop's thread alone.
public final class DriverService: @unchecked Sendable {
    struct Limits {
        /// Statements over HTTP that one database does at a time.
        var pool = SessionPool.Limits(sessions: 20)
        /// Sessions of one instance that may be open.
        var sessions = 64
        var session = DriverSession.Limits()
    }

    private let loop: Loop
    private let instances: any ShimInstances
    private let limits: Limits
    /// By instance and database.
    private var pools: [String: SessionPool] = [:]
    /// Open sessions by instance.
    private var sessions: [String: Int] = [:]

    public convenience init(loop: Loop, instances: any ShimInstances) {
        self.init(loop: loop, instances: instances, limits: Limits())
    }

    init(loop: Loop, instances: any ShimInstances, limits: Limits) {
        self.loop = loop
        self.instances = instances
        self.limits = limits
    }

    /// Sessions over WebSocket end with their connections.
    public func close() {
        for pool in pools.values { pool.close() }
        pools = [:]
    }

    /// - Parameter only: the instance whose own port it came to; nil: any.
    /// - Returns: nil for a path that is not ours.
    public func answer(_ request: HTTPRequest, only: InstanceName?) async -> DriverAnswer? {
        switch (request.head.method, request.head.path) {
        case ("POST", "/v0/statement"): return await statement(request, only)
        case ("GET", "/v0/session"):
            switch WebSocketHandshake.answer(request.head, subprotocol: "prisma-postgres-1.0") {
            case .refused(let response): return .whole(response)
            case .accepted(let upgrade):
                let database = DriverAccess.database(request.head)
                return .session(upgrade: upgrade) { channel in
                    await DriverSession(loop: self.loop, channel: channel, limits: self.limits.session) { access in
                        await self.admit(access, database, only)
                    }.run()
                }
            }
        default: return nil
        }
    }

    private func authorise(_ access: DriverAccess, _ only: InstanceName?) -> InstanceRecord? {
        let name = access.name
        let record = name.flatMap { instances.known($0) }
        // Whether the name or the password is wrong is not told apart.
        let isProven = access.proves(record?.password ?? Secret(""))
        guard isProven, let record, only == nil || only == name else { return nil }
        return record
    }

    /// Wakes the server if it sleeps.
    private func connect(_ id: String, _ database: String) async throws(PostgresError) -> Session {
        do throws(SessionOpening.Failure) {
            return try await SessionOpening(loop: loop, instances: instances, application: "ppg").session(id, database)
        } catch {
            switch error {
            case .instance(let error): throw DriverFailure.connecting(error)
            case .database(let error): throw error
            }
        }
    }

    // MARK: Statements

    private func statement(_ request: HTTPRequest, _ only: InstanceName?) async -> DriverAnswer {
        guard let access = DriverAccess(header: request.head.headers["authorization"]), let record = authorise(access, only) else {
            return .whole(.words(401, "authentication failed; run dev url --serverless to get this server's credentials"))
        }
        let statement: DriverStatement
        do throws(DriverStatement.Malformed) {
            statement = try MultipartStatement.read(request.body, contentType: request.head.headers["content-type"] ?? "")
        } catch {
            return .whole(.words(400, error.reason))
        }
        let (id, database) = (record.id, DriverAccess.database(request.head) ?? record.mainDatabase)
        return .statement { reply in await self.run(statement, self.pool(id, database), reply) }
    }

    private func pool(_ id: String, _ database: String) -> SessionPool {
        let name = "\(id) \(database)"
        if let pool = pools[name] { return pool }
        // A client can name any number of databases.
        if pools.count >= 32 { pools = pools.filter { !$0.value.isUnused } }
        let isRunning = { [instances] in instances.isRunning(id) }
        let pool = SessionPool(loop: loop, limits: limits.pool, isRunning: isRunning) { [unowned self] _ async throws(PlanFailure) in
            do throws(PostgresError) { return try await connect(id, database) } catch {
                throw PlanFailure(kind: .plain, code: error.sqlState, message: error.message, meta: nil)
            }
        }
        pools[name] = pool
        return pool
    }

    private func run(_ statement: DriverStatement, _ pool: SessionPool, _ reply: any DriverReply) async {
        let session: Session
        do throws(PlanFailure) { session = try await pool.acquire() } catch {
            try? await reply.answer(DriverService.refusal(error))
            return
        }
        var hasBegun = false
        let result = DriverResult(form: .lines, isExec: statement.isExec, isTrusted: session.isUTF8) { bytes async throws(PostgresError) in
            do throws(DevError) {
                if !hasBegun { try await reply.begin(DriverService.headers) }
                hasBegun = true
                try await reply.send(bytes)
            } catch {
                throw .clientGone
            }
        }
        let last: [UInt8]
        do throws(PostgresError) {
            try await session.stream(statement.sql, statement.parameters(), to: result)
            last = result.complete()
        } catch {
            last = result.fail(error)
        }
        if hasBegun {
            try? await reply.send(last)
        } else {
            try? await reply.answer(HTTPResponse(status: 200, headers: DriverService.headers, body: last))
        }
        pool.release(session, reusable: await DriverService.clean(session))
    }

    private static let headers = Headers(["content-type": "application/x-ndjson"])

    /// What is no statement's own failure has a status (specification of the drivers §2.4).
    private static func refusal(_ failure: PlanFailure) -> HTTPResponse {
        switch failure.code {
        case "3D000": return .words(404, Redaction.text(failure.message))
        case nil, "P2024", "08001": return .words(503, Redaction.text(failure.message))
        case .some(let code):
            var writer = JSONWriter()
            DriverFailure.write(PostgresError(sqlState: code, message: failure.message), into: &writer)
            writer.byte(UInt8(ascii: "\n"))
            return HTTPResponse(status: 200, headers: headers, body: writer.bytes)
        }
    }

    /// Nothing of a statement stays for the next one, whosever it is.
    private static func clean(_ session: Session) async -> Bool {
        guard session.isOpen else { return false }
        if session.isInTransaction, (try? await session.results("ROLLBACK")) == nil { return false }
        return (try? await session.results("DISCARD ALL")) != nil
    }

    // MARK: Sessions

    private func admit(_ access: DriverAccess, _ database: String?, _ only: InstanceName?) async -> DriverSession.Admission {
        guard let record = authorise(access, only) else { return .refused(WebSocketClose(1008, "authentication failed")) }
        let id = record.id
        let name = database ?? record.mainDatabase
        guard sessions[id, default: 0] < limits.sessions else {
            return .refused(WebSocketClose(1013, "this server has \(limits.sessions) sessions open already"))
        }
        sessions[id, default: 0] += 1
        return .granted(
            connect: { () async throws(PostgresError) in try await self.connect(id, name) },
            left: { self.sessions[id] = self.sessions[id].flatMap { $0 > 1 ? $0 - 1 : nil } })
    }
}

extension PostgresError {
    /// Nobody is there to take what a statement gives.
    static var clientGone: PostgresError { PostgresError(sqlState: nil, message: "the client has gone", kind: .cancelled) }
}

extension Session {
    var isUTF8: Bool { parameter("server_encoding") == "UTF8" }
}

extension HTTPResponse {
    fileprivate static func words(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array(text.utf8))
    }
}
