internal import Basics

/// One who waits for an answer of the owner: a client that wants an endpoint, a caller of stop or remove. The machine
/// deals in numbers; the continuations are the owner's, so that machine values compare and tests need no sockets.
struct Waiter: Hashable, Sendable {
    var number: UInt64
}

/// Why a server did not come up or stay up.
struct ServerFailure: Error, Equatable {
    /// What those who wait are told, and what `broken` shows.
    var error: DevError
    /// Trying again without a change of the cause can't help: a bad setting, another major's data directory.
    var permanent: Bool
    /// There was no server to fail: the daemon itself could not (no descriptor, a full or read-only disk). It is not
    /// counted, and whoever comes next makes the next try, so that all is well as soon as the cause has gone.
    var isDaemons = false
}

/// The life of one instance as a value (design §4): takes an event, changes its state, returns what is to be done.
/// Drawn and tabulated in docs/instance-machine.md; a test compares the table with this code. `frozen` of
/// `InstanceState` is a name kept for later: no transition leads there.
///
/// Events about a server carry its `attempt`, events about a stop its number; what is late is ignored. Nobody who
/// waits is dropped: each `Waiter` that came in leaves in exactly one `release`, `answer` or `refuse`, or by `clientLeft`.
struct InstanceMachine: Sendable {
    enum State: Equatable, Sendable {
        case absent
        /// Its data directory is being made. Clients may already be at the port.
        case creating(clients: [Waiter])
        case stopped
        case starting(Starting)
        case recovering(Recovering)
        case running
        case stopping(Stopping)
        case deleting(removers: [Waiter])
        case broken(Broken)
    }

    struct Starting: Equatable, Sendable {
        enum Phase: Equatable, Sendable {
            /// The pause before another try.
            case delayed
            /// The launch is under way; whether there is a process is not known yet.
            case launching
            /// There is a process; it has not taken a session yet.
            case launched
        }
        var phase: Phase
        var clients: [Waiter]
        /// Asked to stop while `launching` or `delayed`.
        var stoppers: [Waiter] = []
        var stopWanted = false
    }

    struct Recovering: Equatable, Sendable {
        var clients: [Waiter]
    }

    struct Stopping: Equatable, Sendable {
        enum Phase: Equatable, Sendable {
            /// Verifier and roles are being read, and a checkpoint made. No signal sent: an idle stop can be called off.
            case preparing
            /// SIGINT sent.
            case fast
            /// SIGQUIT sent: a minute was not enough.
            case immediate
            /// The process has ended; the registry is being told.
            case finishing
        }
        var number: Int
        var phase: Phase
        /// Went to sleep by itself; nobody asked.
        var idle: Bool
        /// Held until it runs again.
        var clients: [Waiter] = []
        var stoppers: [Waiter] = []
    }

    struct Broken: Equatable, Sendable {
        var failure: ServerFailure
        /// Held while it is looked whether the cause has gone.
        var clients: [Waiter] = []
    }

    enum Event: Equatable, Sendable {
        case created
        case creationFailed(DevError)
        case clientArrived(Waiter)
        case clientLeft(Waiter)
        /// nil: nobody waits for the answer (a stop that the last daemon began).
        case stopAsked(Waiter?)
        case removeAsked(Waiter)
        case repairAsked
        case launched(attempt: Int)
        case launchFailed(attempt: Int, ServerFailure)
        case becameReady(attempt: Int)
        case recoveryNoticed(attempt: Int)
        /// The process has ended, expected or not. `clean`: it shut down in order, at whoever's wish. `failure`: what to say
        /// of it if we did not stop it.
        case exited(attempt: Int, clean: Bool, failure: ServerFailure)
        case retryDelayPassed(attempt: Int)
        case idleDeadlinePassed(attempt: Int)
        case idlenessAnswered(attempt: Int, idle: Bool)
        case stopPrepared(number: Int)
        case stopDeadlinePassed(number: Int)
        case stopFinished(number: Int)
        case causeChecked(changed: Bool)
        case removed
        case removeFailed(DevError)
    }

    enum Signal: Equatable, Sendable { case fast, immediate }

    enum Action: Equatable, Sendable {
        case launch(attempt: Int)
        case delayLaunch(attempt: Int, seconds: Double)
        /// They get the running server's endpoint.
        case release([Waiter])
        /// Their stop or remove is done.
        case answer([Waiter])
        case refuse([Waiter], DevError)
        case armIdleDeadline(attempt: Int)
        case askIdleness(attempt: Int)
        case prepareStop(attempt: Int, number: Int, checkpoint: Bool)
        case signal(attempt: Int, Signal)
        case armStopDeadline(number: Int)
        /// The process has ended after a stop: tell the registry, then `stopFinished`.
        case finishStop(number: Int)
        case markBroken(ServerFailure)
        case clearBroken
        case checkCause
        case remove
    }

    /// How many seconds a server has for a fast stop before it gets SIGQUIT.
    static let stopSeconds = 60.0

    var state: State
    /// Number of the newest launch or adoption.
    var attempt = 0
    var stops = 0
    var budget = RestartBudget()
    let name: String

    init(name: String, state: State) {
        self.name = name
        self.state = state
        if case .starting = state { attempt = 1 }
    }

    /// The state as people see it.
    var publicState: InstanceState {
        switch state {
        case .absent: .absent
        case .creating: .creating
        case .stopped: .stopped
        case .starting: .starting
        case .recovering: .recovering
        case .running: .running
        case .stopping: .stopping
        case .deleting: .deleting
        case .broken: .broken
        }
    }

    /// All that wait now; for tests of "nobody is forgotten".
    var waiting: [Waiter] {
        switch state {
        case .absent, .stopped, .running: []
        case .creating(let clients): clients
        case .starting(let starting): starting.clients + starting.stoppers
        case .recovering(let recovering): recovering.clients
        case .stopping(let stopping): stopping.clients + stopping.stoppers
        case .deleting(let removers): removers
        case .broken(let broken): broken.clients
        }
    }
}
