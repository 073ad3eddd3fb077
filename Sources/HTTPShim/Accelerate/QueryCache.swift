/// Answers that are kept for `cacheStrategy`: decisions alone, in a time that is passed in. Bounded in bytes; what was not used
/// for longest goes first.
struct QueryCache {
    typealias Instant = ContinuousClock.Instant
    /// Names a run of a query that is under way.
    typealias Ticket = UInt64

    /// An answer without its `extensions`, which are each request's own.
    struct Kept: Sendable, Equatable {
        /// An object without its closing brace.
        var body: [UInt8]
        /// When it was read, in milliseconds since 1970.
        var modified: Int64
    }

    enum Decision: Equatable {
        case hit(Kept)
        /// Too old, but good enough. With a ticket: nobody asks for it anew yet, so this request's query is to be run, and
        /// `finish` called.
        case stale(Kept, Ticket?)
        /// Nobody has asked yet: run the query, and call `finish` however that ends.
        case lead(Ticket)
        /// Somebody is at it: wait for that run's end.
        case follow(Ticket)
    }

    struct Facts: Sendable, Equatable {
        var entries = 0
        var bytes = 0
        var hits = 0
        var stale = 0
        var misses = 0
    }

    private struct Entry {
        var kept: Kept
        var since: Instant
        /// The longest that anybody wanted it for.
        var lifetime: Duration
        var tags: Set<String>
        var size: Int
        var use: Recency.Node
    }

    private struct Flight {
        let key: CacheKey
        var lifetime: Duration
        var tags: Set<String>
    }

    /// Of all entries together, with what keeping them takes.
    let capacity: Int
    private(set) var bytes = 0
    private var entries: [CacheKey: Entry] = [:]
    private var recency = Recency()
    /// By what they are for. One that was invalidated meanwhile is no longer here, and its answer is not kept.
    private var flights: [Ticket: Flight] = [:]
    private var tickets: [CacheKey: Ticket] = [:]
    private var lastTicket: Ticket = 0
    private var counts: [String: Facts] = [:]

    /// What an entry takes beside its bytes, roughly.
    private static let overhead = 400

    init(capacity: Int) { self.capacity = capacity }

    // MARK: Queries

    /// - Parameter strategy: one that `isCaching`.
    mutating func ask(_ key: CacheKey, _ strategy: CacheStrategy, now: Instant) -> Decision {
        if let index = entries.index(forKey: key) {
            let age = now - entries.values[index].since
            if age < strategy.lifetime, age < entries.values[index].lifetime {
                entries.values[index].lifetime = max(entries.values[index].lifetime, strategy.lifetime)
                entries.values[index].tags.formUnion(strategy.tags)
                recency.use(entries.values[index].use)
                let kept = entries.values[index].kept
                if age < strategy.ttl {
                    counts[key.instance, default: Facts()].hits += 1
                    return .hit(kept)
                }
                counts[key.instance, default: Facts()].stale += 1
                return .stale(kept, tickets[key] == nil ? begin(key, strategy) : nil)
            }
            // Others may want it for longer than this one does.
            if age >= entries.values[index].lifetime { drop(key) }
        }
        counts[key.instance, default: Facts()].misses += 1
        if let ticket = tickets[key], var flight = flights[ticket] {
            flight.tags.formUnion(strategy.tags)
            flight.lifetime = max(flight.lifetime, strategy.lifetime)
            flights[ticket] = flight
            return .follow(ticket)
        }
        return .lead(begin(key, strategy))
    }

    private mutating func begin(_ key: CacheKey, _ strategy: CacheStrategy) -> Ticket {
        lastTicket += 1
        flights[lastTicket] = Flight(key: key, lifetime: strategy.lifetime, tags: strategy.tags)
        tickets[key] = lastTicket
        return lastTicket
    }

    /// - Parameter kept: what came of it; nil when it failed: what is there stays until its time is over.
    mutating func finish(_ ticket: Ticket, _ kept: Kept?, now: Instant) {
        guard var flight = flights.removeValue(forKey: ticket) else { return }
        tickets[flight.key] = nil
        guard let kept else { return }
        if let old = entries[flight.key] {
            // Who asked for the old one has its tags on the new one too, and may have it for as long.
            flight.tags.formUnion(old.tags)
            flight.lifetime = max(flight.lifetime, old.lifetime)
        }
        drop(flight.key)
        let size =
            flight.key.bytes.count + flight.key.database.utf8.count + kept.body.count + QueryCache.overhead
            + flight.tags.reduce(0) { $0 + $1.utf8.count + 32 }
        // One answer must not push out all the others.
        guard size <= capacity / 4 else { return }
        entries[flight.key] = Entry(
            kept: kept, since: now, lifetime: flight.lifetime, tags: flight.tags, size: size, use: recency.add(flight.key))
        bytes += size
        counts[flight.key.instance, default: Facts()].entries += 1
        counts[flight.key.instance, default: Facts()].bytes += size
        while bytes > capacity, let oldest = recency.oldest { drop(oldest) }
    }

    private mutating func drop(_ key: CacheKey) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        recency.remove(entry.use)
        bytes -= entry.size
        counts[key.instance]?.entries -= 1
        counts[key.instance]?.bytes -= entry.size
    }

    // MARK: Ends

    enum Choice: Equatable {
        case all
        case tags(Set<String>)

        func takes(_ tags: Set<String>) -> Bool {
            switch self {
            case .all: true
            case .tags(let chosen): !chosen.isDisjoint(with: tags)
            }
        }
    }

    /// Of one database. What is being read now is not kept either: it may have been read before the change.
    mutating func invalidate(instance: String, database: String, _ choice: Choice) {
        end { key, tags in key.instance == instance && key.database == database && choice.takes(tags) }
    }

    /// All that is kept of an instance that is gone.
    mutating func forget(instance: String) {
        end { key, _ in key.instance == instance }
        counts[instance] = nil
    }

    private mutating func end(_ isMeant: (CacheKey, Set<String>) -> Bool) {
        for key in entries.filter({ isMeant($0.key, $0.value.tags) }).keys { drop(key) }
        for (ticket, flight) in flights where isMeant(flight.key, flight.tags) {
            flights[ticket] = nil
            tickets[flight.key] = nil
        }
    }

    /// - Returns: nil for an instance whose answers nobody has asked to keep.
    mutating func facts(instance: String, now: Instant) -> Facts? {
        for key in entries.filter({ now - $0.value.since >= $0.value.lifetime }).keys { drop(key) }
        return counts[instance]
    }
}
