internal import Loop

/// One deadline for each of many clients, all with the same patience: a queue in the order of arrival and one timer,
/// which is armed for the first that is left.
final class Deadlines {
    private let loop: Loop
    private let patience: Duration
    private let timer: TimerHandle
    private let expired: (Int) -> Void
    /// Those before `head` are done with.
    private var queue: [(client: Int, deadline: ContinuousClock.Instant)] = []
    private var head = 0
    /// An entry of the queue with another deadline is of an earlier `begin`.
    private var live: [Int: ContinuousClock.Instant] = [:]
    private var armed = false

    /// - Parameter expired: gets the number of a client whose time is over.
    init(loop: Loop, patience: Duration, expired: @escaping (Int) -> Void) {
        self.loop = loop
        self.patience = patience
        self.expired = expired
        timer = TimerHandle(loop: loop)
    }

    /// - Parameter client: numbers are never used twice; begins anew for one that is there.
    func begin(_ client: Int) {
        let deadline = loop.clock.now + patience
        live[client] = deadline
        queue.append((client, deadline))
        arm()
    }

    func end(_ client: Int) {
        guard live.removeValue(forKey: client) != nil, live.isEmpty else { return }
        // Nobody left: the loop shall not wake for a deadline that is nobody's.
        timer.stop()
        armed = false
        queue.removeAll(keepingCapacity: queue.count < 1_024)
        head = 0
    }

    func close() { timer.close() }

    private func arm() {
        guard !armed else { return }
        while head < queue.count, live[queue[head].client] != queue[head].deadline { head += 1 }
        // The part that is done with is given back now and then, so that each costs constant time.
        if head > 1_024, head > queue.count / 2 || head == queue.count {
            queue.removeFirst(head)
            head = 0
        }
        guard head < queue.count else { return }
        armed = true
        timer.start(after: queue[head].deadline - loop.clock.now) { [unowned self] in fire() }
    }

    private func fire() {
        armed = false
        let now = loop.clock.now
        while head < queue.count, queue[head].deadline <= now {
            let (client, deadline) = queue[head]
            head += 1
            guard live[client] == deadline else { continue }
            live[client] = nil
            expired(client)
        }
        arm()
    }
}
