public import Basics
public import InstanceManager
public import Loop
internal import PostgresWire
public import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The part of the daemon that owns every client-facing PostgreSQL port (docs/front.md). A client is one task on the loop,
/// or none on the short way, until it has reached a server; then its socket is the backend's, or the pump moves its bytes.
public actor Front: PortBinder {
    nonisolated let loop: Loop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let instances: any FrontInstances
    let limits: FrontLimits
    let log: Log
    /// So many random bytes.
    let random: @Sendable (Int) -> [UInt8]
    let slab = BufferSlab()

    /// What is listened on: by instance and port.
    private var sites: [String: [PortRecord: [Listener]]] = [:]
    /// Random bytes that nobody has had yet.
    private var entropy: [UInt8] = []
    private var clients: [Int: Client] = [:]
    private var pumps: [Int: Pump] = [:]
    /// Of clients whose sockets are on their way to a backend, or a backend's.
    private var tethers: [Int: Tether] = [:]
    private let resting: RestingTethers
    private var handedOff = 0
    /// Clients on the short way, which have no task.
    private var untasked = 0
    private var lastNumber = 0
    private var deadlines: Deadlines?
    private var isClosing = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// Of `drain`.
    private var drains: [CheckedContinuation<Void, Never>] = []

    /// - Parameter random: gives so many random bytes; the system's by default.
    public init(
        loop: Loop, instances: any FrontInstances, limits: FrontLimits = FrontLimits(), log: Log,
        random: @escaping @Sendable (Int) -> [UInt8] = Front.systemRandom
    ) {
        self.loop = loop
        resting = RestingTethers(loop: loop)
        self.instances = instances
        var limits = limits
        if limits.descriptors == 0 { limits.descriptors = ClientSocket.descriptorLimit - 64 }
        self.limits = limits
        self.log = log
        self.random = random
    }

    /// At most 256 bytes a time, which the system gives by one call.
    public static let systemRandom: @Sendable (Int) -> [UInt8] = { count in
        var bytes = [UInt8](repeating: 0, count: count)
        precondition(getentropy(&bytes, count) == 0, "the system has no random bytes")
        return bytes
    }

    /// Random bytes: one call of the system gives those of some thirty clients.
    func draw(_ count: Int) -> ArraySlice<UInt8> {
        if entropy.count < count { entropy = random(256) }
        defer { entropy.removeLast(count) }
        return entropy.suffix(count)
    }

    func drawNumber() -> UInt64 { draw(8).reduce(0) { $0 << 8 | UInt64($1) } }

    // MARK: Ports

    /// Binds the record's ports on 127.0.0.1 and ::1 and begins to take clients. Binding what is already bound for the
    /// same instance and ports is done.
    /// - Throws: `port-taken` whose object is the port in digits; then none of the record's ports is bound.
    public func bind(_ record: InstanceRecord) throws(DevError) {
        guard let problem = bindAvailable(record).first else { return }
        close(record.id)
        throw problem
    }

    /// Binds each of the record's ports that can be had; lets go of what is not in the record.
    /// - Returns: why those that are missing can't be had.
    public func bindAvailable(_ record: InstanceRecord) -> [DevError] {
        let wanted = record.ports.filter { $0.kind != .http }
        for (port, listeners) in sites[record.id] ?? [:] where !wanted.contains(port) {
            for listener in listeners { listener.close() }
            sites[record.id]?[port] = nil
        }
        var problems: [DevError] = []
        for port in wanted where sites[record.id]?[port] == nil {
            do throws(DevError) {
                sites[record.id, default: [:]][port] = try listen(record.id, port)
            } catch {
                problems.append(error)
            }
        }
        return problems
    }

    /// On both addresses, or on none.
    private func listen(_ id: String, _ port: PortRecord) throws(DevError) -> [Listener] {
        let four = try listen(id, port, "127.0.0.1")
        do throws(DevError) {
            return [four, try listen(id, port, "::1")]
        } catch {
            // A machine without IPv6 has no ::1 that anybody could connect to.
            guard error.code == .portTaken else { return [four] }
            four.close()
            throw error
        }
    }

    private func listen(_ id: String, _ port: PortRecord, _ address: String) throws(DevError) -> Listener {
        do throws(DevError) {
            let bound = try Listener.tcp(address: address, port: port.port)
            ClientSocket.prepare(bound.descriptor)
            return try Listener(loop: loop, descriptor: bound.descriptor) { [weak self] descriptor, peer in
                guard let self else { return ClientSocket.close(descriptor) }
                self.loop.isolated(self) { $0.accepted(descriptor, Visit.Origin(id: id, kind: port.kind, address: address, port: peer)) }
            }
        } catch {
            guard error.code == .portTaken else { throw error }
            throw DevError(
                .portTaken, "Port \(port.port) is used by another program", object: String(port.port), cause: error.cause)
        }
    }

    /// Lets go of all ports of an instance and ends its sessions.
    public func release(_ id: String) {
        close(id)
        for client in clients.values where client.id == id { client.task?.cancel() }
        for tether in tethers.values where tether.id == id { tether.close() }
        for pump in pumps.values where pump.id == id { pump.close() }
    }

    private func close(_ id: String) {
        for listener in (sites.removeValue(forKey: id) ?? [:]).values.joined() { listener.close() }
    }

    /// All that are listened on.
    public var listening: [Int32] { sites.values.flatMap { $0.values.joined() }.map(\.descriptor) }

    /// How many clients wait for a server that starts.
    var held = 0

    /// Stops listening and waits until nobody is on the way to a server that may be reached: so long at most, and as long as `start`
    /// while somebody waits for a server to start.
    public func drain(within patience: Duration, start: Duration) async {
        for id in Array(sites.keys) { close(id) }
        let end = loop.clock.now + start
        var again = true
        while counts.waiting > 0, again, loop.clock.now < end {
            let waited = held > 0
            await settled(within: patience)
            // Who has a server only now is still to be taken there.
            again = waited || held > 0
        }
    }

    private func settled(within patience: Duration) async {
        let timer = TimerHandle(loop: loop)
        timer.start(after: patience) { [weak self] in self?.assumeIsolated { $0.drained() } }
        await withCheckedContinuation { drains.append($0) }
        timer.close()
    }

    private func drained() {
        for waiter in drains { waiter.resume() }
        drains = []
    }

    /// Stops listening, sends away who has not reached a server, lets pumped sessions end until the deadline. Handed-off
    /// sessions go on without us.
    public func close(within deadline: Duration) async {
        isClosing = true
        for id in Array(sites.keys) { close(id) }
        for client in clients.values { client.task?.cancel() }
        for tether in tethers.values { tether.close() }
        resting.close()
        deadlines?.close()
        if !pumps.isEmpty {
            let timer = TimerHandle(loop: loop)
            timer.start(after: deadline) { [weak self] in
                self?.assumeIsolated { front in for pump in front.pumps.values { pump.close() } }
            }
            await withCheckedContinuation { waiters.append($0) }
            timer.close()
        }
    }

    // MARK: Clients

    /// A connection that has not reached a server.
    private final class Client {
        let id: String
        let socket: Socket
        var task: Task<Void, Never>?
        init(id: String, socket: Socket) {
            self.id = id
            self.socket = socket
        }
    }

    private func accepted(_ descriptor: Int32, _ origin: Visit.Origin) {
        guard !isClosing else { return ClientSocket.close(descriptor) }
        guard descriptor < limits.descriptors, counts.waiting < limits.waiting else {
            log.warning("client refused", ["instance": origin.id, "descriptor": descriptor, "waiting": counts.waiting])
            return ClientSocket.refuse(descriptor, ServerMessage.tooManyClients.encoded())
        }
        lastNumber += 1
        var said: [UInt8] = []
        if let link = express(descriptor, origin, &said) {
            tie(lastNumber, link, descriptor, origin, said)
        } else {
            begin(lastNumber, descriptor, origin, said)
        }
    }

    /// The long way, a task of its own.
    /// - Parameter said: what has been read of the client.
    private func begin(_ number: Int, _ descriptor: Int32, _ origin: Visit.Origin, _ said: [UInt8]) {
        let client = Client(id: origin.id, socket: Socket(loop: loop, socket: descriptor))
        clients[number] = client
        beginDeadline(number)
        client.task = loop.task { await self.serve(number, origin, said) }
    }

    func beginDeadline(_ number: Int) {
        if deadlines == nil {
            deadlines = Deadlines(loop: loop, patience: limits.loginTime) { [weak self] number in
                self?.assumeIsolated { $0.clients[number]?.task?.cancel() }
            }
        }
        deadlines?.begin(number)
    }

    func endDeadline(_ number: Int) { deadlines?.end(number) }

    func socket(_ number: Int) -> Socket? { clients[number]?.socket }

    /// Ends a client's task when the client goes, while that task waits for something else. Bytes that come meanwhile end
    /// the watch: they are kept for the server.
    func watch(_ number: Int) async {
        guard !Task.isCancelled, let socket = socket(number) else { return }
        do throws(DevError) {
            try await socket.readable()
            if socket.isEnded { clients[number]?.task?.cancel() }
        } catch {
            // Cancelled: what was waited for has come.
        }
    }

    /// The last thing that a client's task does.
    func left(_ number: Int) {
        endDeadline(number)
        clients[number] = nil
        if counts.waiting == 0 { drained() }
    }

    // MARK: Hand-offs

    /// Keeps both ends of a hand-off on the short way until the backend has the client's socket.
    private func tie(_ number: Int, _ link: Int32, _ descriptor: Int32, _ origin: Visit.Origin, _ said: [UInt8]) {
        untasked += 1
        let tether = tether(number, origin.id, link) { [self] outcome in
            loop.isolated(self) { $0.untied(outcome, number, descriptor, origin, said) }
        }
        resting.add(tether)
    }

    private func untied(_ outcome: Tether.Outcome, _ number: Int, _ descriptor: Int32, _ origin: Visit.Origin, _ said: [UInt8]) {
        untasked -= 1
        switch outcome {
        case .taken, .dropped: ClientSocket.close(descriptor)
        case .answered(let answer):
            if let words = Self.refusal(answer) {
                ClientSocket.refuse(descriptor, words)
            } else {
                begin(number, descriptor, origin, said)
            }
        }
        if counts.waiting == 0 { drained() }
    }

    /// Waits for what becomes of a hand-off. Cancellation of the task drops it.
    func outcome(_ number: Int, _ id: String, _ link: Int32) async -> Tether.Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                tether(number, id, link) { continuation.resume(returning: $0) }.watch()
                if Task.isCancelled { drop(number) }
            }
        } onCancel: {
            loop.perform { self.assumeIsolated { $0.drop(number) } }
        }
    }

    private func drop(_ number: Int) {
        if let tether = tethers[number], !tether.isTaken { tether.close() }
    }

    /// - Parameter settled: called once, on the loop.
    private func tether(
        _ number: Int, _ id: String, _ link: Int32, _ settled: @escaping @Sendable (Tether.Outcome) -> Void
    ) -> Tether {
        let tether = Tether(loop: loop, id: id, link: link) { [self] outcome in
            loop.isolated(self) { $0.note(outcome, number, id) }
            settled(outcome)
        } ended: { [self] in
            loop.isolated(self) { $0.sessionEnded(number, id) }
        }
        tethers[number] = tether
        return tether
    }

    private func note(_ outcome: Tether.Outcome, _ number: Int, _ id: String) {
        guard case .taken = outcome else {
            tethers[number] = nil
            return
        }
        handedOff += 1
        instances.sessionChanged(id, began: true)
    }

    private func sessionEnded(_ number: Int, _ id: String) {
        tethers[number] = nil
        handedOff -= 1
        instances.sessionChanged(id, began: false)
    }

    // MARK: Pumps

    /// - Parameters:
    ///   - pump: owns both sockets.
    func run(_ pump: Pump, _ number: Int) {
        pumps[number] = pump
        pump.ended = { [weak self] in self?.assumeIsolated { $0.ended(number) } }
        pump.start()
    }

    private func ended(_ number: Int) {
        guard let pump = pumps.removeValue(forKey: number) else { return }
        instances.sessionChanged(pump.id, began: false)
        if pumps.isEmpty {
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
    }

    /// Clients that wait, sessions handed off, sessions pumped.
    var counts: (waiting: Int, handedOff: Int, pumped: Int) { (clients.count + untasked, handedOff, pumps.count) }
}
