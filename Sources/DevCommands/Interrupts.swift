#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Ctrl-C as something to wait for: a thread takes the signals, so that no handler runs in the middle of anything.
enum Interrupts {
    /// From now on SIGINT, SIGTERM and SIGHUP make the descriptor readable; a second one ends the process with status 130.
    static func descriptor() -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return -1 }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var signals = wanted()
        // Inherited by the thread below; the main thread never gets one.
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let argument = UnsafeMutableRawPointer(bitPattern: Int(ends[1]))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let result = pthread_create(&thread, nil, { Interrupts.wait($0) }, argument)
        guard result == 0 else {
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            return -1
        }
        return ends[0]
    }

    private static func wanted() -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        return signals
    }

    #if canImport(Darwin)
        private typealias Argument = UnsafeMutableRawPointer
    #else
        private typealias Argument = UnsafeMutableRawPointer?
    #endif

    private static func wait(_ argument: Argument) -> UnsafeMutableRawPointer? {
        let descriptor = Int32(truncatingIfNeeded: Int(bitPattern: argument))
        var signals = wanted()
        var signal: Int32 = 0
        _ = sigwait(&signals, &signal)
        _ = write(descriptor, [1], 1)
        _ = sigwait(&signals, &signal)
        _exit(130)
    }
}
