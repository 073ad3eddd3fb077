internal import Basics
internal import Loop
internal import Registry

/// A server that lives and is of no use any more, because somebody removed what belongs to it. It is stopped, and comes up
/// again as after any failure, or says at its start what is missing.
extension PostgresEffects {
    /// What a living server has lost.
    enum Loss: Equatable {
        /// Nobody can reach it: its socket is gone. Its data are safe.
        case socket
        /// Nothing that it does can be kept.
        case data
    }

    /// - Returns: nil when all is well. Else the server has been told to go, and clients are to wait.
    func noticeLoss(_ held: LivingServer, _ record: InstanceRecord) async -> ServerStatus? {
        guard let loss = loss(held) else {
            held.missedSince = nil
            return nil
        }
        if held.loss != loss {
            if loss == .socket, isPerhapsEnding(held) { return nil }
            held.loss = loss
            let lost = loss == .data ? held.dataDirectory : held.socketPath
            log.error("stopping a server", ["instance": record.name, "pid": held.server.pid, "lost": lost])
            await signal(held.server, .fast)
            if loss == .data { held.look(after: .seconds(5)) }
        } else if loss == .data, held.takeLook() {
            // Without its files it may not get to the end of a shutdown in order.
            await signal(held.server, .immediate)
        }
        return .recovering
    }

    /// One that fails at its start removes its socket just before it ends.
    private func isPerhapsEnding(_ held: LivingServer) -> Bool {
        guard held.child != nil else { return false }
        let now = loop.clock.now
        guard let since = held.missedSince else {
            held.missedSince = now
            held.look(after: .milliseconds(100))
            return true
        }
        return now - since < .milliseconds(100)
    }

    private func loss(_ held: LivingServer) -> Loss? {
        guard Paths.exists(held.dataDirectory + "/PG_VERSION") else { return .data }
        // It writes its state into the lock file when its sockets are there, and removes them after it has written "stopping".
        guard let file = PostmasterFile.read(held.dataDirectory), file.pid == held.server.pid,
            ["starting", "ready", "standby"].contains(file.status)
        else { return nil }
        return Paths.exists(held.socketPath) ? nil : .socket
    }
}
