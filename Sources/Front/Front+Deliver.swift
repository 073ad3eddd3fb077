internal import Basics
internal import HandoffImage
internal import InstanceManager
internal import Loop
internal import PostgresWire

extension Front {
    /// What became of an attempt.
    private enum Outcome {
        /// The session is over (hand-off) or runs (pump).
        case done
        /// The server went away before it had said anything to the client.
        case again(String)
    }

    /// Takes the client to the server, as often as the server goes away before it answers: clients never see 57P03.
    func deliver(_ visit: Visit, _ packet: StartupPacket, _ first: LoginFacts) async throws(Departure) {
        let id = visit.id
        var (packet, facts) = (packet, first)
        let begun = loop.clock.now
        var attempt = 0
        while true {
            // Each time: the server may have fallen asleep meanwhile, and a client that has proved nothing must not wake it.
            facts = try await admit(visit, &packet, facts)
            let endpoint: Endpoint
            if facts.endpoint != nil, facts.state == .running {
                do throws(DevError) { endpoint = try await instances.endpoint(id) } catch { throw Departure(error) }
            } else {
                endpoint = try await waiting(visit) { [instances] () throws(DevError) in try await instances.endpoint(id) }
            }
            guard case .again(let reason) = try await offer(visit, &packet, endpoint) else { return }
            guard !Task.isCancelled else { throw .silent("the client left") }
            attempt += 1
            guard attempt < limits.attempts, loop.clock.now - begun < limits.retryTime else {
                throw .say(ServerMessage.cannotConnectNow("the server does not take the connection", detail: WireText(reason)).encoded())
            }
            log.debug("again", ["instance": id, "client": visit.number, "reason": reason])
            // The manager may not have noticed yet that the server is going.
            let pause = Duration.milliseconds(min(attempt * 2, 100))
            _ = try await waiting(visit) { [loop] () throws(DevError) in
                do { try await loop.clock.sleep(for: pause) } catch { throw DevError(.cancelled, "The client left", object: id) }
            }
            facts = try await self.facts(visit)
        }
    }

    private func offer(_ visit: Visit, _ packet: inout StartupPacket, _ endpoint: Endpoint) async throws(Departure) -> Outcome {
        switch endpoint.passage {
        case .handoff: return try await handOff(visit, packet, endpoint)
        case .pump(marked: true, _): return try await pump(visit, packet, endpoint, marked: true)
        case .pump(marked: false, _):
            // The server trusts the owner on this socket, so the owner is the front's to ask.
            if !visit.isTrusted, packet.user.name.string == LoginPolicy.owner {
                let verifier = try await ownerVerifier(visit, packet, endpoint)
                try await login(visit, &packet, verifier.flatMap { PasswordVerifier($0.reveal()) }, try await facts(visit).record)
            }
            return try await pump(visit, packet, endpoint, marked: false)
        }
    }

    private func ownerVerifier(_ visit: Visit, _ packet: StartupPacket, _ endpoint: Endpoint) async throws(Departure) -> Secret? {
        let id = visit.id
        do throws(Departure) {
            return try await waiting(visit) { [instances] () throws(DevError) in try await instances.ownerVerifier(id) }
        } catch {
            guard case .say = error, let refusal = await fullness(packet, endpoint) else { throw error }
            throw .say(refusal)
        }
    }

    /// What a server says that has no room for one more session, nor for our question: it comes before any login, so
    /// whoever asks may hear it. nil: there is room, or it says something else.
    private func fullness(_ packet: StartupPacket, _ endpoint: Endpoint) async -> [UInt8]? {
        var answer: [UInt8] = []
        do throws(DevError) {
            let link = try await Socket.unix(loop: loop, path: endpoint.socketPath)
            defer { link.close() }
            try await link.write(packet.encoded())
            repeat {
                guard try await link.read(into: &answer, max: 8_192) > 0 else { break }
            } while Self.isPartOfError(answer) && answer.count < 16_384
        } catch {
            return nil
        }
        guard case .message(.error(let refusal), let end) = BackendMessage.read(answer), refusal.code == "53300" else { return nil }
        return Array(answer[..<end])
    }

    // MARK: Hand-off

    private func handOff(_ visit: Visit, _ packet: StartupPacket, _ endpoint: Endpoint) async throws(Departure) -> Outcome {
        let bytes = packet.encoded() + visit.bytes
        guard bytes.count <= HandoffMessage.limit else { throw .silent("too much before the login") }
        let link: Socket
        do throws(DevError) {
            link = try await Socket.unix(loop: loop, path: endpoint.socketPath, name: peerName(visit))
            try await link.write(HandoffMessage.encode(bytes), passing: visit.socket.descriptor)
        } catch {
            if Task.isCancelled { throw .silent("ended while the server was asked") }
            return .again(error.cause ?? error.message)
        }
        // From here on the server watches the time (authentication_timeout), and the client.
        endDeadline(visit.number)
        switch await outcome(visit.number, visit.id, link.release()) {
        case .taken:
            visit.socket.close()
            return .done
        case .answered(let answer):
            if let words = Self.refusal(answer) { throw .say(words) }
            return .again(Self.unavailable(answer) ?? "the server left without a word")
        case .dropped: throw .silent("ended while the server was asked")
        }
    }

    /// What is the client's to hear instead of a session: said by the postmaster, which never saw the client. nil: the server
    /// is to be asked once more.
    static func refusal(_ answer: [UInt8]) -> [UInt8]? { answer.isEmpty || unavailable(answer) != nil ? nil : answer }

    private func peerName(_ visit: Visit) -> String {
        HandoffMessage.peerName(trusted: visit.isTrusted, address: visit.origin.address, port: visit.origin.port, random: drawNumber())
    }

    // MARK: Pump

    private func pump(_ visit: Visit, _ packet: StartupPacket, _ endpoint: Endpoint, marked: Bool) async throws(Departure) -> Outcome {
        let name = marked ? peerName(visit) : nil
        var greeting: [UInt8] = []
        let link: Socket
        do throws(DevError) {
            link = try await Socket.unix(loop: loop, path: endpoint.socketPath, name: name)
        } catch {
            return .again(error.cause ?? error.message)
        }
        do throws(DevError) {
            try await link.write(packet.encoded() + visit.bytes)
            endDeadline(visit.number)
            // An error is looked at as a whole; anything else is the client's at once.
            repeat {
                guard try await link.read(into: &greeting, max: 8_192) > 0 else { break }
            } while Self.isPartOfError(greeting) && greeting.count < 16_384
        } catch {
            link.close()
            if Task.isCancelled { throw .silent("ended while the server was asked") }
            return .again(error.cause ?? error.message)
        }
        if greeting.isEmpty || Self.unavailable(greeting) != nil {
            link.close()
            return .again(Self.unavailable(greeting) ?? "the server left without a word")
        }
        let session: Pump
        do throws(DevError) {
            session = try Pump(
                loop: loop, id: visit.id, slab: slab, client: visit.socket.release(), server: link.release(), greeting: greeting)
        } catch {
            throw Departure(error)
        }
        instances.sessionChanged(visit.id, began: true)
        run(session, visit.number)
        return .done
    }

    // MARK: What servers say

    private static func isPartOfError(_ bytes: [UInt8]) -> Bool {
        guard bytes.first == UInt8(ascii: "E") || bytes.first == UInt8(ascii: "N") else { return false }
        if case .needMore = BackendMessage.read(bytes) { return true }
        return false
    }

    /// The server's words, if it says that it is going, has crashed or is not there yet (57P01, 57P02, 57P03).
    private static func unavailable(_ bytes: [UInt8]) -> String? {
        guard case .message(let message, _) = BackendMessage.read(bytes) else { return nil }
        switch message {
        case .error(let text), .notice(let text): return SQLState.unavailable.contains(text.code) ? text.message : nil
        default: return nil
        }
    }
}
