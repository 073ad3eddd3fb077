public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What `dev daemon` does.
extension ControlClient {
    /// So many seconds a daemon may take to leave: somebody may wait for a server to start.
    static let leaving: Double = 90

    /// Asks the running daemon to leave and waits until its home is free.
    /// - Parameters:
    ///   - stopServers: else the servers live on and the next daemon adopts them.
    ///   - handover: where its listening sockets go: see `ShutdownRequest`.
    ///   - pause: between two looks whether it has gone; 5 ms by default.
    /// - Returns: false when none was running.
    public func shutdown(
        stopServers: Bool, handover: String? = nil, observer: CallObserver = CallObserver(), pause: (() -> Void)? = nil
    ) throws(DevError) -> Bool {
        var client = self
        client.starter = nil
        guard isRunning else { return false }
        let _: Done = try client.call(
            ShutdownRequest.path, ShutdownRequest(stopServers: stopServers, handover: handover), checksVersion: false, observer: observer)
        // Its end is the release of the home's lock, for which there is no event.
        let deadline = Monotonic.seconds + Self.leaving
        while HomeLock.isHeld(layout) {
            guard Monotonic.seconds < deadline else {
                throw DevError(
                    .timedOut, "The daemon does not leave", object: layout.root,
                    cause: "it still holds \(layout.lockFile) after \(Int(Self.leaving)) seconds", help: "Read \(layout.daemonLog)")
            }
            if let pause { pause() } else { usleep(5_000) }
            observer.happened(.tick)
        }
        return true
    }

    /// Replaces the daemon, or starts one. Nobody who connects meanwhile is refused: the listening sockets go from one to the next.
    public func restart(observer: CallObserver = CallObserver()) throws(DevError) {
        guard let starter else {
            throw DevError(.internal, "This client starts no daemon", object: layout.root)
        }
        // One that does not answer is told of here, where somebody listens.
        if isRunning {
            var client = self
            client.starter = nil
            let _: Done = try client.call("daemon", Done(), checksVersion: false, observer: observer)
        }
        try starter.replace(observer)
    }
}
