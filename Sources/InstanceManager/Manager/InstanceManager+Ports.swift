internal import Basics
internal import Loop
internal import Registry

extension InstanceManager {
    /// Ports of all instances but one, sleeping ones too: they keep their claim. What is in the trash may come back, and is to
    /// find its ports then.
    /// - Parameter record: the instance that wants ports, with those that it had.
    func rules(for record: InstanceRecord) async -> PortRules {
        // A trash that can't be read keeps nobody from making an instance.
        let removed = ((try? await trash()) ?? []).filter { $0.instance.id != record.id }.flatMap(\.instance.ports)
        return PortRules(
            claims: claims(except: record.id), kept: Set(removed.map(\.port)),
            shadows: Set((removed + record.ports).filter { $0.kind == .shadow }.map(\.port)))
    }

    private func claims(except id: String) -> [UInt16: String] {
        var claims: [UInt16: String] = [:]
        for port in configuration.reservedPorts { claims[port] = "the daemon" }
        for (other, owner) in owners where other != id {
            let record = owner.assumeIsolated { $0.record }
            for port in record.ports { claims[port.port] = record.name.text }
        }
        return claims
    }

    /// Finds ports by really binding them. The record of the owner has them before the binder opens them, so that a
    /// client that comes at once is known.
    /// - Parameter request: nil when an instance comes back: it gets its old ports if it can.
    func allocatePorts(_ record: InstanceRecord, _ request: NewInstance?) async throws(DevError) -> InstanceRecord {
        guard let binder else { throw InstanceManager.notStarted }
        let rules = await rules(for: record)
        var asked: [PortRecord.Kind: UInt16] = [:]
        for (kind, port) in [(PortRecord.Kind.http, request?.httpPort), (.main, request?.mainPort), (.shadow, request?.shadowPort)] {
            guard let port, port != 0 else { continue }
            try rules.check(port, kind, name: record.name, asked: Array(asked.values))
            asked[kind] = port
        }
        var refused: Set<UInt16> = []
        // Each round either ends or refuses a port that was not refused before; the bound is for a binder gone wrong.
        for _ in 0..<256 {
            var record = record
            record.ports = try choose(rules, asked: asked, last: record.ports, request, refused: refused)
            await owners[record.id]?.assign(ports: record.ports)
            do {
                try await binder.bind(record)
                return record
            } catch {
                guard error.code == .portTaken, let port = UInt16(error.object), record.ports.contains(where: { $0.port == port }) else {
                    throw error
                }
                guard !asked.values.contains(port) else { throw portTaken(port, record, error) }
                guard refused.insert(port).inserted else { throw error }
            }
        }
        throw DevError(
            .portTaken, "No free ports were found", object: record.name.text,
            help: "Run dev up \(record.name) --db-port N --shadow-db-port N")
    }

    private func choose(
        _ rules: PortRules, asked: [PortRecord.Kind: UInt16], last: [PortRecord], _ request: NewInstance?, refused: Set<UInt16>
    ) throws(DevError) -> [PortRecord] {
        var taken = refused.union(asked.values)
        var ports = asked[.http].map { [PortRecord(kind: .http, port: $0)] } ?? last.filter { $0.kind == .http }
        for kind in [PortRecord.Kind.main, .shadow] {
            if let port = asked[kind] {
                ports.append(PortRecord(kind: kind, port: port))
                continue
            }
            let before = last.first { $0.kind == kind }?.port
            // 0 asks for any free one: not for the habitual.
            let any = (kind == .main ? request?.mainPort : request?.shadowPort) == 0
            guard let port = rules.candidates(kind, last: before, standard: !any, taken: taken).first else {
                throw DevError(.portTaken, "All ports up to 65535 are taken", object: "65535", help: "Remove instances that are not used")
            }
            taken.insert(port)
            ports.append(PortRecord(kind: kind, port: port))
        }
        return ports
    }

    /// Says who has the port, where that can be told, and how its instance gets another.
    func portTaken(_ port: UInt16, _ record: InstanceRecord, _ error: DevError) -> DevError {
        let kind = record.ports.first { $0.port == port }?.kind ?? .main
        let holder = PortHolder.describe(port).map { "Port \(port) is used by \($0)" }
        return DevError(
            .portTaken, holder ?? error.message, object: String(port), cause: holder == nil ? error.cause : nil,
            help: PortRules.otherPort(record.name, kind))
    }

    /// At the daemon's start: an instance whose port somebody else has says so, and gets it back when it is free. Its other
    /// ports are there meanwhile.
    func bindOrRetry(_ id: String) async {
        guard let binder, let owner = owners[id] else { return }
        let record = await owner.record
        let problems = await binder.bindAvailable(record)
        guard owners[id] === owner else { return }
        guard !problems.isEmpty else {
            if portProblems.removeValue(forKey: id) != nil { log.info("ports are back", ["instance": record.name]) }
            return
        }
        // Looked into once for each port: to find who has it means to look at every process.
        let known = portProblems[id] ?? []
        if known.map(\.object) != problems.map(\.object) {
            portProblems[id] = problems.map { problem in UInt16(problem.object).map { portTaken($0, record, problem) } ?? problem }
            for problem in portProblems[id] ?? [] { log.error("ports", ["instance": record.name, "error": problem]) }
        }
        retryPorts()
    }

    /// What of an instance's ports is missing and why, for a person; nil when all are there.
    func portReason(_ id: String) -> String? {
        portProblems[id].map { problems in problems.map { $0.message + ($0.help.map { ". " + $0 } ?? "") }.joined(separator: "; ") }
    }

    /// The one periodic work of the daemon, only while a port is missing: nobody tells when a port becomes free.
    private func retryPorts() {
        guard portRetry == nil else { return }
        portRetry = loop.task { await self.retryPortsUntilBound() }
    }

    private func retryPortsUntilBound() async {
        while !portProblems.isEmpty {
            do { try await loop.clock.sleep(for: .milliseconds(500)) } catch { return }
            for id in portProblems.keys.sorted() { await bindOrRetry(id) }
        }
        portRetry = nil
    }
}
