public import Basics
public import HTTPWire
internal import InstanceManager
public import Loop
internal import PostgresSession
internal import Registry

/// Answers stock Prisma clients on a `prisma+postgres://` URL (HTTP protocol specification): routes here, plans in `PlanRun`.
public actor PrismaService {
    nonisolated let loop: Loop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let instances: any ShimInstances
    let chance: Chance
    private var sites: [String: Site] = [:]
    private var plans = PlanCache()
    /// Keys that were checked, by their header: reading one costs more than the rest of a request.
    private var keys: [(header: String, key: APIKey)] = []
    /// Answers that clients asked to keep.
    var cache = QueryCache(capacity: PrismaService.cacheCapacity)
    /// Who waits for the end of a query that another request runs.
    var followers: [QueryCache.Ticket: [UnsafeContinuation<QueryCache.Kept?, Never>]] = [:]
    /// Queries that are to be run again behind an answer that was old.
    var renewals: [QueryCache.Ticket: Query] = [:]

    /// Milliseconds that a plan may take, as prisma dev's.
    static let queryTimeout = 300_000.0
    /// Bytes of all kept answers together.
    public static let cacheCapacity = 32 << 20

    /// One instance's sessions.
    final class Site {
        var pools: [String: SessionPool] = [:]
        /// By database: a key reaches those of its own alone.
        private var transactions: [String: Transactions] = [:]
        private let makeTransactions: () -> Transactions
        /// As the record had them when they were last read.
        private var settings: [String: String] = [:]
        private(set) var rules = ServingRules()
        var rate = RequestRate()

        init(makeTransactions: @escaping () -> Transactions) { self.makeTransactions = makeTransactions }

        func transactions(of database: String) -> Transactions {
            if let known = transactions[database] { return known }
            // One database is the rule; keys can name any number of them.
            if transactions.count >= 32 { transactions = transactions.filter { !$0.value.isUnused } }
            let made = makeTransactions()
            transactions[database] = made
            return made
        }

        func closeTransactions() async {
            for transactions in transactions.values { await transactions.closeAll() }
        }

        func follow(_ settings: [String: String]) {
            guard settings != self.settings else { return }
            self.settings = settings
            rules = ServingRules(settings)
            for pool in pools.values { pool.most = rules.connections }
        }

        /// As after the removal of its instance.
        var isUnused: Bool { transactions.values.allSatisfy(\.isUnused) && pools.values.allSatisfy(\.isUnused) }
    }

    /// - Parameters:
    ///   - milliseconds: since 1970.
    ///   - random: so many random bytes, fit for secrets.
    public init(
        loop: Loop, instances: any ShimInstances, milliseconds: @escaping @Sendable () -> Int64,
        random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.loop = loop
        self.instances = instances
        chance = Chance(milliseconds: milliseconds, bytes: random)
    }

    /// Call at the start of `main`, before there are threads.
    public static func prepareProcess() { LibpqEnvironment.clear() }

    /// Ends all sessions; open transactions are rolled back.
    public func close() async {
        for site in sites.values {
            await site.closeTransactions()
            for pool in site.pools.values { pool.close() }
        }
        sites = [:]
    }

    // MARK: Requests

    private enum Route {
        case connectionInfo, query, start, invalidate
        case transactionQuery(String), commit(String), rollback(String)

        init?(_ method: String, _ path: String) {
            switch (method, path) {
            case ("GET", "/connection-info"): self = .connectionInfo
            case ("POST", "/query"): self = .query
            case ("POST", "/transaction/start"): self = .start
            case ("POST", "/invalidate"): self = .invalidate
            default:
                let parts = path.split(separator: "/", omittingEmptySubsequences: false)
                guard method == "POST", parts.count == 4, parts[0].isEmpty, parts[1] == "transaction", !parts[2].isEmpty else { return nil }
                switch parts[3] {
                case "query": self = .transactionQuery(String(parts[2]))
                case "commit": self = .commit(String(parts[2]))
                case "rollback": self = .rollback(String(parts[2]))
                default: return nil
                }
            }
        }

        var kind: Kind {
            switch self {
            case .query, .transactionQuery, .start: .query
            case .invalidate: .invalidation
            case .connectionInfo, .commit, .rollback: .other
            }
        }
    }

    /// - Parameter only: the instance whose own port it came to; nil: any.
    /// - Returns: nil for a path that is not ours.
    public func answer(_ request: HTTPRequest, only: InstanceName?) async -> HTTPResponse? {
        let head = request.head
        guard let route = Route(head.method, head.path) else { return DataProxy.refusal(head.method, head.path) }
        guard let capture = Journal.Capture.of(head.headers.list("x-capture-telemetry")),
            let limits = try? LimitHeaders({ head.headers[$0] })
        else {
            return PrismaService.refusal(head)
        }
        let key: APIKey
        let record: InstanceRecord
        switch authorise(head.headers["authorization"], only) {
        case .refused(let response): return response
        case .granted(let granted, let found): (key, record) = (granted, found)
        }
        let journal = capture.isEmpty ? nil : Journal(capture: capture, clock: loop.clock, chance: chance)
        let work = Work(key: key, record: record, site: site(record), journal: journal, limits: limits)
        do throws(PlanFailure) {
            if work.site.rules != .none { try await admit(route.kind, work.site, key.name) }
            return try await answer(route, request, work)
        } catch {
            journal?.failure(error, method: head.method, path: head.path)
            return failure(error, journal)
        }
    }

    /// What is wrong with the headers that are looked at before anything else, on every path; nil: nothing.
    public static func refusal(_ head: RequestHead) -> HTTPResponse? {
        if Journal.Capture.of(head.headers.list("x-capture-telemetry")) == nil { return .text(400, "Malformed X-Capture-Telemetry header") }
        do throws(LimitHeaders.Malformed) { _ = try LimitHeaders { head.headers[$0] } } catch {
            return .text(400, "Malformed \(error.name) header")
        }
        return nil
    }

    struct Work {
        let key: APIKey
        let record: InstanceRecord
        let site: Site
        var journal: Journal?
        let limits: LimitHeaders

        var transactions: Transactions { site.transactions(of: database) }
        var database: String { key.database == "template1" || key.database.isEmpty ? record.mainDatabase : key.database }
    }

    /// A plan with all that its run needs.
    struct Query {
        let request: PlanRequest
        let plan: Plan
        var work: Work
        /// The transaction that it belongs to.
        var transaction: String?
    }

    private enum Authorisation {
        case granted(APIKey, InstanceRecord)
        case refused(HTTPResponse)
    }

    private func authorise(_ header: String?, _ only: InstanceName?) -> Authorisation {
        let key: APIKey
        // Compared, not hashed: they are long, and mostly it is the first.
        let place = header.flatMap { header in keys.firstIndex { $0.header == header } }
        if let place {
            key = keys[place].key
        } else {
            do throws(APIKey.Refusal) {
                key = try APIKey(header: header)
            } catch {
                return .refused(.unauthorised(error == .missing ? "Missing API Key" : "Invalid API Key"))
            }
        }
        let record = instances.known(key.name)
        // Whether the name or the password is wrong is not told apart.
        let password = record?.password ?? Secret("")
        guard SecretComparison.equal(password, key.password), let record, only == nil || only == key.name else {
            return .refused(.unauthorised("Wrong API Key; run dev url --http to get this server's"))
        }
        if let header, place == nil {
            if keys.count >= 16 { keys.removeFirst() }
            keys.append((header, key))
        }
        return .granted(key, record)
    }

    private func answer(_ route: Route, _ request: HTTPRequest, _ work: Work) async throws(PlanFailure) -> HTTPResponse {
        let journal = work.journal
        switch route {
        case .connectionInfo:
            return json("{\"provider\":\"postgres\",\"connectionInfo\":{\"supportsRelationJoins\":true}", journal)
        case .invalidate:
            return invalidate(request, work) ?? .text(400, "Invalid input")
        case .query: return try await query(request, work, transaction: nil)
        case .transactionQuery(let id): return try await query(request, work, transaction: id)
        case .start: return try await start(request, work)
        case .commit(let id):
            try await spanned(journal, "commit_transaction") { () async throws(PlanFailure) in
                try await work.transactions.commit(id, journal: journal)
            }
            return json("{", journal)
        case .rollback(let id):
            try await spanned(journal, "rollback_transaction") { () async throws(PlanFailure) in
                try await work.transactions.rollback(id, journal: journal)
            }
            return json("{", journal)
        }
    }

    private func spanned<T>(_ journal: Journal?, _ name: String, _ work: () async throws(PlanFailure) -> T) async throws(PlanFailure) -> T {
        guard let journal else { return try await work() }
        return try await journal.spanned(name, work)
    }

    private func query(_ request: HTTPRequest, _ work: Work, transaction: String?) async throws(PlanFailure) -> HTTPResponse {
        let parsed: Result<(PlanRequest, Plan), any Error> = decode(request)
        let query: Query
        switch parsed {
        case .success(let found): query = Query(request: found.0, plan: found.1, work: work, transaction: transaction)
        case .failure(PlanRequest.Refusal.invalid(let body)): return .json(400, body, work.journal)
        case .failure(let error as PlanFailure): throw error
        case .failure(PlanRequest.Refusal.malformed(let error)) where error.isTooDeep:
            return .text(400, "The request body is nested more than \(JSONScanner.maximalDepth) levels deep, which is this server's limit")
        case .failure: return .text(400, "Malformed JSON in request body")
        }
        // The Accelerate extension sends it with each query of a model; a plain client never does.
        if let strategy = CacheStrategy(request.head.headers) { return try await accelerated(query, request, strategy) }
        return try answer(try await run(query), work)
    }

    /// - Returns: an object with the `data`, without its closing brace.
    func run(_ query: Query) async throws(PlanFailure) -> JSONWriter {
        let work = query.work
        let limit = work.site.rules.queryTimeout
        let patience = min(
            .milliseconds(min(work.limits.queryTimeout ?? .infinity, PrismaService.queryTimeout)), limit ?? .seconds(3600))
        let deadline = loop.clock.now.advanced(by: patience)
        let value: Value
        do throws(PlanFailure) { value = try await evaluate(query, deadline) } catch {
            // The reference's own time limit has no code.
            if let limit, error.kind == .timeout, patience == limit { throw .queryTimeout(limit) }
            throw error
        }
        var writer = JSONWriter()
        switch value {
        case .mapped(let mapped): writer.bytes = mapped.takeAnswer()
        case .undefined: writer.byte(UInt8(ascii: "{"))
        default:
            writer.bytes = MappedValue.lead
            ValueWriter.write(value, into: &writer)
        }
        return writer
    }

    private func evaluate(_ query: Query, _ deadline: ContinuousClock.Instant) async throws(PlanFailure) -> Value {
        let (work, plan, parameters) = (query.work, query.plan, query.request.parameters)
        let comment = SQLComment.text(query.request.comments)
        guard let id = query.transaction else {
            let database = PooledDatabase(pool: pool(work), journal: work.journal, deadline: deadline, clock: loop.clock)
            return try await PlanRun(plan: plan, database: database, comment: comment, chance: chance).run(parameters)
        }
        return try await work.transactions.use(id, journal: work.journal, deadline: deadline) {
            database async throws(PlanFailure) in
            try await PlanRun(plan: plan, database: database, comment: comment, chance: self.chance).run(parameters)
        }
    }

    /// - Parameter open: an object without its closing brace.
    func answer(_ open: consuming JSONWriter, _ work: Work) throws(PlanFailure) -> HTTPResponse {
        if let limit = work.site.rules.responseSize, open.bytes.count > limit { throw .responseSize(open.bytes.count, limit) }
        return PrismaService.finish(&open, 200, work.journal)
    }

    /// Another content type is as if nothing had come: the reference reads no body then.
    private func decode(_ request: HTTPRequest) -> Result<(PlanRequest, Plan), any Error> {
        guard request.head.headers["content-type"]?.lowercased().hasPrefix("application/json") == true else {
            return .failure(PlanRequest.Refusal.invalid(BodyCheck.plan(.object([])) ?? .object([])))
        }
        return request.body.withUnsafeBufferPointer { bytes in
            do {
                let parsed = try PlanRequest(bytes, known: { plans.recognise($0) })
                if let plan = parsed.knownPlan { return .success((parsed, plan)) }
                return .success((parsed, try plans.plan(UnsafeBufferPointer(rebasing: bytes[parsed.plan]))))
            } catch {
                return .failure(error)
            }
        }
    }

    private func start(_ request: HTTPRequest, _ work: Work) async throws(PlanFailure) -> HTTPResponse {
        guard let body = try? JSONScanner.parse(request.body) else { return .text(400, "Malformed JSON in request body") }
        if let refusal = BodyCheck.start(body) { return .json(400, refusal, work.journal) }
        func number(_ key: String) -> Double? {
            if case .number(let lexeme)? = body[key] { Double(lexeme) } else { nil }
        }
        var options = Transactions.Options(
            maxWait: number("maxWait"), timeout: number("timeout"), isolationLevel: body["isolationLevel"]?.string)
        options.timeoutCap = min(work.limits.transactionTimeout ?? .infinity, Transactions.Options.cap)
        if let limit = work.site.rules.transactionDuration {
            options.timeoutCap = min(options.timeoutCap, Double(Refusals.milliseconds(limit)))
        }
        let checked = options
        let transactions = work.transactions
        let pool = pool(work)
        let id = try await spanned(work.journal, "start_transaction") { () async throws(PlanFailure) in
            if let outer = body["newTxId"]?.string { return try await transactions.startNested(outer, checked) }
            return try await transactions.start(checked, pool: pool, journal: work.journal)
        }
        var response = json("{\"id\":\"\(id)\"", work.journal)
        response.headers.set("prisma-transaction-id", id)
        return response
    }

    // MARK: Sessions

    private func site(_ record: InstanceRecord) -> Site {
        let id = record.id
        if let site = sites[id] {
            site.follow(record.http)
            return site
        }
        // Those of instances that are gone went quiet. An idle one loses no more than the memory of its closed transactions.
        sites = sites.filter { !$0.value.isUnused }
        let site = Site { [loop, chance] in Transactions(loop: loop, chance: chance) }
        site.follow(record.http)
        sites[id] = site
        return site
    }

    /// Sessions of a database; the first request for it says how many there may be.
    private func pool(_ work: Work) -> SessionPool {
        let site = work.site
        let database = work.database
        let limit = work.key.connectionLimit.flatMap { (1...1000).contains($0) ? $0 : nil } ?? PrismaService.defaultSessions
        let name = "\(limit) \(database)"
        if let pool = site.pools[name] { return pool }
        // One pool a database is the rule; keys can name any number of them.
        if site.pools.count >= 32 { site.pools = site.pools.filter { !$0.value.isUnused } }
        var limits = SessionPool.Limits(sessions: limit)
        if let seconds = work.key.poolTimeout { limits.patience = seconds > 0 ? .seconds(min(seconds, 86_400)) : .seconds(86_400) }
        let (opening, id) = (SessionOpening(loop: loop, instances: instances, application: "prisma"), work.record.id)
        let isRunning = { [instances] in instances.isRunning(id) }
        let pool = SessionPool(loop: loop, limits: limits, isRunning: isRunning) { isRaw async throws(PlanFailure) in
            do throws(SessionOpening.Failure) { return try await opening.session(id, database) } catch {
                switch error {
                case .instance(let error): throw DatabaseFailure(error).failure(isRaw: isRaw)
                case .database(let error): throw DatabaseFailure(error).failure(isRaw: isRaw)
                }
            }
        }
        pool.most = site.rules.connections
        site.pools[name] = pool
        return pool
    }

    /// Prisma's formula for a machine: two per core, and one.
    private static let defaultSessions = max(1, Machine.cores) * 2 + 1
}
