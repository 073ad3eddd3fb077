internal import Basics
internal import InstanceManager
internal import Loop
internal import PostgresWire
internal import Registry

extension Front {
    /// A client's task, from its connect to the beginning of its session.
    /// - Parameter said: what has been read of the client.
    func serve(_ number: Int, _ origin: Visit.Origin, _ said: [UInt8]) async {
        defer { left(number) }
        guard let socket = socket(number) else { return }
        let visit = Visit(number: number, origin: origin, socket: socket, said: said)
        do throws(Departure) {
            guard let packet = try await startup(visit) else { return socket.close() }
            try await serve(visit, packet)
        } catch {
            switch error {
            case .say(let bytes):
                let descriptor = socket.release()
                if descriptor >= 0 { ClientSocket.refuse(descriptor, bytes) }
            case .silent(let reason):
                log.debug("client left", ["instance": origin.id, "client": number, "reason": reason])
                socket.close()
            }
        }
    }

    private func serve(_ visit: Visit, _ wanted: StartupPacket) async throws(Departure) {
        var packet = wanted
        var facts = try await facts(visit)
        if Route.apply(&packet, port: visit.origin.kind, mainDatabase: facts.record.mainDatabase) {
            facts = try await admit(visit, &packet, facts)
            let id = visit.id
            let name = try await waiting(visit) { [instances] () throws(DevError) in try await instances.shadowDatabase(id) }
            packet.setDatabase(WireText(name))
        }
        guard !packet.isTooLong else {
            throw .say(ServerMessage.startupTooLong("The database's name on this port makes it longer than 10000 bytes.").encoded())
        }
        try await deliver(visit, packet, facts)
    }

    func facts(_ visit: Visit) async throws(Departure) -> LoginFacts {
        guard let facts = await instances.loginFacts(visit.id) else { throw .silent("the instance is gone") }
        return facts
    }

    /// Before a client may cost more than itself: asleep, whoever the front can judge proves the password here.
    /// - Returns: the facts as they are then.
    func admit(_ visit: Visit, _ packet: inout StartupPacket, _ known: LoginFacts) async throws(Departure) -> LoginFacts {
        var facts = known
        guard !visit.isTrusted else { return facts }
        if facts.state == .stopping {
            // What it reads of the roles on its way down decides then; to wait for the server would mean to wake it.
            let id = visit.id
            try await waiting(visit) { [instances] () throws(DevError) in try await instances.stopEnded(id) }
            facts = try await self.facts(visit)
        }
        if case .front(let verifier) = LoginPolicy(packet, facts) { try await login(visit, &packet, verifier, facts.record) }
        return facts
    }

    // MARK: Start-up

    /// - Returns: nil when the client has said all that it wanted (a cancel request).
    private func startup(_ visit: Visit) async throws(Departure) -> StartupPacket? {
        var reader = StartupReader()
        var hasAnswered = false
        while true {
            switch reader.next(visit.bytes) {
            case .needMore: try await visit.more(limit: limits.gathered, later: hasAnswered)
            case .request(.ssl, let end):
                try await refuseUpgrade(visit, end, ahead: .unencryptedDataAfterSSL)
                hasAnswered = true
            case .request(.gssEncryption, let end):
                try await refuseUpgrade(visit, end, ahead: .unencryptedDataAfterGSS)
                hasAnswered = true
            case .request(.directTLS, _): throw .silent("TLS without asking")
            case .request(.cancel(let request), _):
                try await pass(request, visit)
                return nil
            case .request(.startup(let packet), let end):
                visit.drop(end)
                return packet
            case .refused(let refusal):
                let minor = await instances.loginFacts(visit.id).flatMap { LoginPolicy.newestMinor($0.record) }
                let reply = refusal.reply(newestMinor: minor ?? 0)
                throw reply.isEmpty ? .silent("\(refusal)") : .say(reply)
            }
        }
    }

    /// - Parameter ahead: for who sends more before the answer.
    private func refuseUpgrade(_ visit: Visit, _ end: Int, ahead: ServerMessage) async throws(Departure) {
        visit.drop(end)
        let isAhead = !visit.bytes.isEmpty
        try await visit.write([UInt8(ascii: "N")])
        if isAhead { throw .say(ahead.encoded()) }
    }

    /// Takes a cancel request to the server, which closes the connection when it has acted: so do we. A server that
    /// sleeps has nothing to cancel.
    private func pass(_ request: CancelRequest, _ visit: Visit) async throws(Departure) {
        guard let endpoint = await instances.loginFacts(visit.id)?.endpoint else { return }
        do throws(DevError) {
            let link = try await Socket.unix(loop: loop, path: endpoint.socketPath)
            defer { link.close() }
            try await link.write(request.encoded())
            var ignored: [UInt8] = []
            while try await link.read(into: &ignored, max: 64) > 0 { ignored.removeAll() }
        } catch {
            throw Departure(error)
        }
    }

    // MARK: Login

    /// The front's own: like PostgreSQL's up to the last message before AuthenticationOk, which is the server's to send.
    func login(
        _ visit: Visit, _ packet: inout StartupPacket, _ verifier: PasswordVerifier?, _ record: InstanceRecord
    ) async throws(Departure) {
        if let minor = LoginPolicy.newestMinor(record), let told = packet.negotiate(newestMinor: minor) {
            try await visit.write(told.encoded())
        }
        let secret = verifier == nil ? await instances.mockNonce(visit.id) ?? LoginPolicy.mockSecret(record) : []
        var exchange = LoginExchange(user: packet.user, verifier: verifier, mockSecret: secret, entropy: Array(draw(18)))
        try await visit.write(exchange.greeting)
        while true {
            switch exchange.receive(visit.bytes) {
            case .needMore: try await visit.more(limit: limits.gathered)
            case .send(let bytes, let end):
                visit.drop(end)
                try await visit.write(bytes)
            case .accepted(let bytes, let end):
                visit.drop(end)
                if !bytes.isEmpty { try await visit.write(bytes) }
                visit.isTrusted = true
                return
            case .refused(let bytes): throw .say(bytes)
            }
        }
    }

    /// Waits for the instance's side without the login's deadline, and no longer than the client does.
    func waiting<T: Sendable>(
        _ visit: Visit, _ work: @Sendable () async throws(DevError) -> T
    ) async throws(Departure) -> T {
        let number = visit.number
        endDeadline(number)
        let watch = loop.task { await self.watch(number) }
        held += 1
        defer {
            held -= 1
            watch.cancel()
            beginDeadline(number)
        }
        do throws(DevError) {
            return try await work()
        } catch {
            guard error.code != .cancelled, !Task.isCancelled else { throw .silent("the client left") }
            log.warning("no server for a client", ["instance": visit.id, "error": error])
            throw .say(
                ServerMessage.cannotConnectNow(
                    WireText(error.message), detail: error.cause.map { WireText($0) }, hint: error.help.map { WireText($0) }
                ).encoded())
        }
    }
}
