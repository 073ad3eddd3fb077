internal import HTTPWire
internal import InstanceManager
internal import Loop
internal import Registry

/// What is kept of an instance's answers, for `dev status`.
public struct CacheUse: Sendable, Equatable {
    public let entries, bytes, hits, stale, misses: Int
}

extension PrismaService {
    /// A query of the Accelerate extension: out of the cache where that may be, else as any other.
    func accelerated(_ query: Query, _ request: HTTPRequest, _ strategy: CacheStrategy) async throws(PlanFailure) -> HTTPResponse {
        let key = CacheKey(
            instance: query.work.record.id, database: query.work.database, plan: request.body[query.request.plan],
            parameters: request.body[query.request.parameterBytes])
        let (status, kept, writer) = try await kept(key, query, strategy)
        let modified = kept?.modified ?? chance.milliseconds()
        var response: HTTPResponse
        if let writer {
            response = try answer(writer, query.work)
        } else {
            var open = JSONWriter()
            open.bytes = kept?.body ?? []
            response = try answer(open, query.work)
        }
        AccelerateHeaders.add(
            status, modified: modified, signature: key.digest, ray: AccelerateHeaders.ray(chance), to: &response)
        return response
    }

    /// - Returns: what was kept, or what was written anew.
    private func kept(_ key: CacheKey, _ query: Query, _ strategy: CacheStrategy) async throws(PlanFailure)
        -> (AccelerateHeaders.Status, QueryCache.Kept?, JSONWriter?)
    {
        // A transaction sees its own rows, and what it reads may never come to be.
        guard strategy.isCaching, query.transaction == nil, query.plan.onlyReads else { return (.none, nil, try await run(query)) }
        switch cache.ask(key, strategy, now: loop.clock.now) {
        case .hit(let kept): return (.hit, kept, nil)
        case .stale(let kept, let ticket):
            if let ticket { renew(query, ticket) }
            return (.stale, kept, nil)
        case .lead(let ticket): return (.miss, try await lead(query, ticket), nil)
        case .follow(let ticket):
            if let kept = await withUnsafeContinuation({ followers[ticket, default: []].append($0) }) { return (.miss, kept, nil) }
            // The other one's failure is the other one's: it may have had less time, or no session.
            return (.miss, nil, try await run(query))
        }
    }

    /// Runs a query that others may wait for; they are told of its end, whatever it is.
    private func lead(_ query: Query, _ ticket: QueryCache.Ticket) async throws(PlanFailure) -> QueryCache.Kept {
        let outcome: Result<QueryCache.Kept, PlanFailure>
        do throws(PlanFailure) {
            let body = try await run(query).bytes
            outcome = .success(QueryCache.Kept(body: body, modified: chance.milliseconds()))
        } catch {
            outcome = .failure(error)
        }
        let kept = try? outcome.get()
        cache.finish(ticket, kept, now: loop.clock.now)
        for follower in followers.removeValue(forKey: ticket) ?? [] { follower.resume(returning: kept) }
        return try outcome.get()
    }

    /// Asks for an old answer anew, with nobody waiting.
    private func renew(_ query: Query, _ ticket: QueryCache.Ticket) {
        var query = query
        // The logs of this run belong to no request.
        query.work.journal = nil
        renewals[ticket] = query
        loop.task { await self.renewed(ticket) }
    }

    private func renewed(_ ticket: QueryCache.Ticket) async {
        guard let query = renewals.removeValue(forKey: ticket) else { return }
        // A failure leaves what there is until its time is over.
        _ = try? await lead(query, ticket)
    }

    // MARK: Invalidation

    /// `{"tags": […]}` or `{"tags": "all"}` (§8.3).
    /// - Returns: nil for anything else.
    func invalidate(_ request: HTTPRequest, _ work: Work) -> HTTPResponse? {
        guard let tags = (try? JSONScanner.parse(request.body))?["tags"] else { return nil }
        let choice: QueryCache.Choice
        if tags.string == "all" {
            choice = .all
        } else {
            guard let elements = tags.array, !elements.isEmpty else { return nil }
            let names = elements.compactMap(\.string)
            guard names.count == elements.count else { return nil }
            choice = .tags(Set(names))
        }
        cache.invalidate(instance: work.record.id, database: work.database, choice)
        return HTTPResponse(status: 200, headers: ["cf-ray": AccelerateHeaders.ray(chance)])
    }

    /// Of an instance that is gone, nothing is kept.
    /// - Parameter id: the instance's.
    public func forget(_ id: String) { cache.forget(instance: id) }

    /// - Returns: nil when nobody has asked to keep anything.
    public func cacheUse(_ id: String) -> CacheUse? {
        cache.facts(instance: id, now: loop.clock.now).map {
            CacheUse(entries: $0.entries, bytes: $0.bytes, hits: $0.hits, stale: $0.stale, misses: $0.misses)
        }
    }
}
