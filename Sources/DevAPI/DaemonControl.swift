public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What `dev daemon` does.
extension ControlClient {
    /// Asks the running daemon to leave and waits until its home is free.
    /// - Parameter stopServers: else the servers live on and the next daemon adopts them.
    /// - Returns: false when none was running.
    public func shutdown(stopServers: Bool, observer: CallObserver = CallObserver()) throws(DevError) -> Bool {
        try shutdown(stopServers: stopServers, handover: nil, observer)
    }

    /// Replaces the daemon, or starts one. Nobody who connects meanwhile is refused: the listening sockets go from one to the next.
    public func restart(observer: CallObserver = CallObserver()) throws(DevError) {
        guard let starter else {
            throw DevError(.internal, "This client starts no daemon", object: layout.root)
        }
        try starter.replace(observer) { () throws(DevError) in
            let handover = Handover(layout)
            _ = try shutdown(stopServers: false, handover: handover, observer)
            return handover
        }
    }

    private func shutdown(stopServers: Bool, handover: Handover?, _ observer: CallObserver) throws(DevError) -> Bool {
        var client = self
        client.starter = nil
        guard isRunning else { return false }
        let _: Done = try client.call(
            ShutdownRequest.path, ShutdownRequest(stopServers: stopServers, handover: handover?.path), checksVersion: false,
            observer: observer)
        try waitUntilGone(handover, observer)
        if let handover { while handover.step(milliseconds: 0) {} }
        return true
    }

    /// Its end is the release of the home's lock, for which there is no event; asked every 5 ms, 30 s at most.
    private func waitUntilGone(_ handover: Handover?, _ observer: CallObserver) throws(DevError) {
        let deadline = Monotonic.seconds + 30
        while HomeLock.isHeld(layout) {
            guard Monotonic.seconds < deadline else {
                throw DevError(
                    .timedOut, "The daemon does not leave", object: layout.root,
                    cause: "it still holds \(layout.lockFile) after 30 seconds",
                    help: "Read \(layout.daemonLog)")
            }
            if let handover { handover.step(milliseconds: 5) } else { usleep(5_000) }
            observer.happened(.tick)
        }
    }
}
