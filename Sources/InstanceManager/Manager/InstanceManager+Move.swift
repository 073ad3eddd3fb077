public import Basics
public import Registry

extension InstanceManager {
    /// Gives an instance other ports. It keeps the old ones until it has the new ones; sessions that are open go on.
    /// - Parameter asked: 0 = a free one in the place of one that somebody else has; what the instance has itself stays.
    /// - Throws: `port-taken`, `usage`; then nothing has changed.
    public func move(_ id: String, to asked: [PortRecord.Kind: UInt16]) async throws(DevError) -> InstanceRecord {
        let owner = try owner(id)
        let before = await owner.record
        let has = Dictionary(before.ports.map { ($0.kind, $0.port) }, uniquingKeysWith: { first, _ in first })
        guard asked.contains(where: { has[$0.key] != $0.value }) else { return before }
        guard let binder else { throw InstanceManager.notStarted }
        if portProblems[id] != nil { await bindOrRetry(id) }
        let missing = Set((portProblems[id] ?? []).compactMap { UInt16($0.object) })
        let rules = await rules(for: before)
        var wanted: [PortRecord.Kind: UInt16] = [:]
        for (kind, port) in asked where port != 0 && port != has[kind] {
            try rules.check(port, kind, name: before.name, asked: Array(wanted.values))
            wanted[kind] = port
        }
        let any = asked.filter { kind, port in port == 0 && has[kind].map(missing.contains) == true }.keys
        guard !wanted.isEmpty || !any.isEmpty else { return before }

        var refused = missing
        // As for a new instance: each round ends, or refuses a port that was not refused before.
        for _ in 0..<256 {
            let ports = try moved(before.ports, to: wanted, any: Set(any), rules, refused)
            do throws(DevError) {
                try await bind(ports, for: before, binder)
            } catch {
                guard error.code == .portTaken, let port = UInt16(error.object) else { throw error }
                var trial = before
                trial.ports = ports
                guard !wanted.values.contains(port) else { throw portTaken(port, trial, error) }
                guard refused.insert(port).inserted else { throw error }
                continue
            }
            let record: InstanceRecord
            do throws(DevError) {
                record = try await owner.configure { $0.ports = ports }
            } catch {
                await bindOrRetry(id)
                throw error
            }
            // Lets go of the old ones.
            await bindOrRetry(id)
            log.info("moved", ["instance": before.name, "ports": ports.map { "\($0.port)" }.joined(separator: " ")])
            return record
        }
        throw DevError(.portTaken, "No free ports were found", object: before.name.text, help: "Run dev up \(before.name) --db-port N")
    }

    private func moved(
        _ before: [PortRecord], to wanted: [PortRecord.Kind: UInt16], any: Set<PortRecord.Kind>, _ rules: PortRules,
        _ refused: Set<UInt16>
    ) throws(DevError) -> [PortRecord] {
        let staying = before.filter { wanted[$0.kind] == nil && !any.contains($0.kind) }
        var taken = refused.union(wanted.values).union(staying.map(\.port))
        var ports: [PortRecord] = []
        for kind in [PortRecord.Kind.http, .main, .shadow] {
            if let port = wanted[kind] {
                ports.append(PortRecord(kind: kind, port: port))
            } else if let port = staying.first(where: { $0.kind == kind }) {
                ports.append(port)
            } else if kind != .http {
                // Without an HTTP port of its own it has the daemon's.
                guard let port = rules.candidates(kind, last: nil, taken: taken).first else {
                    throw DevError(
                        .portTaken, "All ports up to 65535 are taken", object: "65535", help: "Remove instances that are not used")
                }
                taken.insert(port)
                ports.append(PortRecord(kind: kind, port: port))
            }
        }
        return ports
    }

    /// Binds new ports beside those that the instance has.
    /// - Throws: why one of the new can't be had; then the old are as they were.
    private func bind(_ ports: [PortRecord], for before: InstanceRecord, _ binder: any PortBinder) async throws(DevError) {
        var both = before
        both.ports = ports + before.ports.filter { !ports.contains($0) }
        let old = Set(before.ports.map { String($0.port) })
        let problem = await binder.bindAvailable(both).first { !old.contains($0.object) }
        guard let problem else { return }
        _ = await binder.bindAvailable(before)
        throw problem
    }
}
