internal import Basics
internal import Loop
internal import Registry

extension PrismaService {
    enum Kind { case query, invalidation, other }

    /// What a person has set for this instance comes before the work: its rate, its delay, its failures.
    /// - Throws: when this request is not to be answered.
    func admit(_ kind: Kind, _ site: Site, _ name: InstanceName) async throws(PlanFailure) {
        // The end of a transaction is always let through: a ROLLBACK that is refused would help nobody.
        if kind != .other, let limit = site.rules.requestsPerSecond, !site.rate.takes(limit, now: loop.clock.now) {
            throw kind == .query ? .tooManyRequests(limit) : .tooManyInvalidations(limit)
        }
        if let latency = site.rules.latency { try? await loop.clock.sleep(for: latency) }
        if let share = site.rules.failing, Double(chance.below(1_000_000)) < share * 1_000_000 { throw .chaos(name) }
    }
}
