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

/// The part of the daemon that owns every client-facing PostgreSQL port (docs/front.md). Each client is one task on the loop
/// until it has reached a server; then its socket is the backend's, or the pump moves its bytes.
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
                self.assumeIsolated { $0.accepted(descriptor, Visit.Origin(id: id, kind: port.kind, address: address, port: peer)) }
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

    /// A connection that has not reached a server, or whose tether is watched.
    private final class Client {
        let id: String
        let socket: Socket
        var task: Task<Void, Never>?
        /// Its socket is a backend's: it is not waiting any more.
        var isHandedOff = false
        init(id: String, socket: Socket) {
            self.id = id
            self.socket = socket
        }
    }
    private var handedOff = 0

    private func accepted(_ descriptor: Int32, _ origin: Visit.Origin) {
        guard !isClosing else { return ClientSocket.close(descriptor) }
        guard descriptor < limits.descriptors, clients.count - handedOff < limits.waiting else {
            log.warning("client refused", ["instance": origin.id, "descriptor": descriptor, "waiting": clients.count - handedOff])
            return ClientSocket.refuse(descriptor, ServerMessage.tooManyClients.encoded())
        }
        lastNumber += 1
        let number = lastNumber
        let client = Client(id: origin.id, socket: Socket(loop: loop, socket: descriptor))
        clients[number] = client
        beginDeadline(number)
        client.task = loop.task { await self.serve(number, origin) }
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

    /// The client's socket is a backend's now.
    func handedOff(_ number: Int) {
        endDeadline(number)
        clients[number]?.isHandedOff = true
        handedOff += 1
        if counts.waiting == 0 { drained() }
    }

    /// The last thing that a client's task does.
    func left(_ number: Int) {
        endDeadline(number)
        if clients.removeValue(forKey: number)?.isHandedOff == true { handedOff -= 1 }
        if counts.waiting == 0 { drained() }
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
        let id = pump.id
        loop.task { await self.instances.sessionChanged(id, began: false) }
        if pumps.isEmpty {
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
    }

    /// Clients that wait, sessions handed off, sessions pumped.
    var counts: (waiting: Int, handedOff: Int, pumped: Int) { (clients.count - handedOff, handedOff, pumps.count) }
}
