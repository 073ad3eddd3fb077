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
        var client = self
        client.starter = nil
        guard isRunning else { return false }
        let _: Done = try client.call(
            ShutdownRequest.path, ShutdownRequest(stopServers: stopServers), checksVersion: false, observer: observer)
        try waitUntilGone(observer)
        return true
    }

    /// Its end is the release of the home's lock, for which there is no event; asked every 5 ms, 30 s at most.
    private func waitUntilGone(_ observer: CallObserver) throws(DevError) {
        let deadline = Monotonic.seconds + 30
        while HomeLock.isHeld(layout) {
            guard Monotonic.seconds < deadline else {
                throw DevError(
                    .timedOut, "The daemon does not leave", object: layout.root,
                    cause: "it still holds \(layout.lockFile) after 30 seconds",
                    help: "Read \(layout.daemonLog)")
            }
            usleep(5_000)
            observer.happened(.tick)
        }
    }
}
