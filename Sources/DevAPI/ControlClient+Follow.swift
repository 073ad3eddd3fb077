public import Basics

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Following a log for longer than a daemon lives.
extension ControlClient {
    /// So long nobody may be about to start a daemon before it is taken for one that was stopped.
    static let quiet: Double = 2

    /// Tells a server's log, and goes on with the next daemon when one takes the place of another. Only the first is started.
    /// - Returns: true when the log ended, because the instance was removed; false when one of the observer's descriptors ended it.
    /// - Throws: what the daemon answers; `daemon-unreachable` when it has ended and no other came.
    public func follow(_ request: LogsRequest, observer: CallObserver) throws(DevError) -> Bool {
        var client = self
        var request = request
        var hasBegun = false
        var lost: Double?
        let told = observer.happened
        var observer = observer
        observer.happened = { event in
            if case .position(let position) = event {
                request.after = position
                hasBegun = true
                lost = nil
            }
            told(event)
        }
        while true {
            let asked = request
            do throws(DevError) {
                let _: Done = try client.call(LogsRequest.path, asked, observer: observer)
                return true
            } catch {
                if observer.isInterrupted(within: 0) { return false }
                guard hasBegun else { throw error }
                if error.code == .versionMismatch { throw Self.replaced(error) }
                guard error.code == .daemonUnreachable || error.code == .cancelled else { throw error }
            }
            client.starter = nil
            let since = lost ?? Monotonic.seconds
            lost = since
            guard try waitForNext(since, observer) else { return false }
        }
    }

    /// There is no event for a daemon that comes; asked every 50 ms.
    /// - Parameter since: when the last one went.
    /// - Returns: false when the observer does not want to wait.
    private func waitForNext(_ since: Double, _ observer: CallObserver) throws(DevError) -> Bool {
        var lastSign = Monotonic.seconds
        while !observer.isInterrupted(within: 50) {
            if isRunning { return true }
            let now = Monotonic.seconds
            // The old one still leaves, or somebody starts one. Its own lock is not touched: the next one wants it.
            if StartLock.isHeld(layout) || HomeLock.pid(layout).map({ kill($0, 0) == 0 || errno == EPERM }) == true { lastSign = now }
            guard now - lastSign < Self.quiet, now - since < Self.leaving + DaemonStarter.patience else {
                throw DevError(
                    .daemonUnreachable, "The daemon has ended, and no other has come", object: layout.controlSocket,
                    help: "The server was left as it is. Run the command again: it starts a daemon")
            }
        }
        return false
    }

    private static func replaced(_ error: DevError) -> DevError {
        var error = error
        error.help = "Run the command again: the daemon was replaced, and this is still the dev from before"
        return error
    }
}

extension CallObserver {
    /// Waits so many milliseconds for one of the two descriptors that end a call.
    func isInterrupted(within milliseconds: Int32) -> Bool {
        var waited = [pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0), pollfd(fd: output, events: 0, revents: 0)]
        guard poll(&waited, 2, milliseconds) > 0 else { return false }
        if waited[0].revents == 0, waited[1].revents & Int16(POLLERR | POLLHUP) == 0 {
            // A descriptor that is closed: no wait for it.
            if milliseconds > 0 { usleep(UInt32(milliseconds) * 1000) }
            return false
        }
        return true
    }
}
