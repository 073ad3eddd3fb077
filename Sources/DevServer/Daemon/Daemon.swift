internal import Basics
internal import DevAPI
internal import Front
internal import HTTPShim
internal import InstanceManager
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Puts the rooms together, in order: what was begun is finished and what lives is adopted before anybody is answered. It
/// leaves in the opposite order, with a deadline at each step.
actor Daemon {
    nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let layout: HomeLayout
    private let user: ServersUser?
    private let environment: [String: String]
    let log: Log
    private let notice: ReadyNotice
    nonisolated let outcome = Outcome()

    private var registry: Registry?
    private var manager: InstanceManager?
    var front: Front?
    var sites: InstanceSites?
    private var prisma: PrismaService?
    private var drivers: DriverService?
    private var housekeeper: Housekeeper?
    var site: HTTPServer?
    private var control: HTTPServer?
    private var controlSocket: ControlSocket?
    private var signals: [SignalHandle] = []
    private var isLeaving = false
    private let calm: Calm
    private var copying: Task<Void, Never>?
    private var copyIsOld = false

    /// How long requests and pumped sessions may take to end when the daemon leaves.
    static let patience: Duration = .seconds(5)

    /// Why the loop ended. Written on the loop before `stop`, read after `run` has returned.
    final class Outcome: Sendable {
        private let lock = Lock()
        nonisolated(unsafe) private var stored: DevError?  // protected by `lock`
        var failure: DevError? {
            get { lock.withLock { stored } }
            set { lock.withLock { stored = newValue } }
        }
    }

    init(loop: Loop, layout: HomeLayout, user: ServersUser?, environment: [String: String], log: Log, notice: ReadyNotice) {
        self.loop = loop
        self.layout = layout
        self.user = user
        self.environment = environment
        self.log = log
        self.notice = notice
        calm = Calm(loop: loop)
    }

    /// Something was done; the loop's thread alone calls it.
    private nonisolated func stirred() { assumeIsolated { $0.calm.stir() } }

    func run() async {
        do {
            try await start()
            InheritedListeners.closeRest()
            notice.send(.ready)
        } catch {
            // Half a daemon is worse than none.
            log.error("no start", ["error": error])
            outcome.failure = error
            await close(stopServers: false)
            loop.stop()
        }
    }

    private func start() async throws(DevError) {
        log.info("starting", ["version": devdbVersion, "home": layout.root, "pid": Int(getpid())])
        try catchSignals()
        let layout = layout
        let startedAt = WallClock.now()
        let (registry, support, memory, claimed) = try await loop.blocking { () throws(DevError) in
            let registry = try Registry(path: layout.registry)
            let ports = try (registry.instances() + registry.trash().map(\.instance)).flatMap { $0.ports.map(\.port) }
            return (registry, HandoffInstall.run(layout), try HTTPPortMemory(registry), Set(ports))
        }
        self.registry = registry
        if let reason = support.path == nil ? support.reason : nil { log.warning("no hand-off", ["reason": reason]) }
        if let user { log.info("started as root", ["servers-run-as": user.name]) }

        // Bound now, so that a clash ends the start, and so that the manager gives the port to nobody; served later.
        let wanted = try wantedPort()
        let bound = try HTTPPorts.bind(wanted: wanted, last: memory.last, claimed: claimed)
        let displaced = try await loop.blocking { () throws(DevError) in
            try memory.note(bound.port, chosen: wanted == bound.port, registry)
        }
        if let displaced { log.warning("http port changed", ["reason": displaced]) }

        let manager = InstanceManager(
            loop: loop, registry: registry,
            configuration: ManagerConfiguration(
                layout: layout, environment: environment, user: user, library: support,
                reservedPorts: Set([bound.port, HTTPPorts.standard] + memory.last), log: log,
                stirred: { [weak self] in self?.stirred() }, changed: { [weak self] in self?.assumeIsolated { $0.copySoon() } }))
        self.manager = manager
        let prisma = PrismaService(
            loop: loop, instances: manager, milliseconds: { Int64(WallClock.now() * 1000) }, random: Front.systemRandom)
        self.prisma = prisma
        let drivers = DriverService(loop: loop, instances: manager)
        self.drivers = drivers
        let dump: PublicSite.Dump = { name async throws(DevError) in try await manager.dumpSchema(name) }
        let site = HTTPServer(
            loop: loop, router: PublicSite.router(name: .default, dump: dump, prisma: prisma, drivers: drivers),
            limits: HTTPServer.Limits(body: PublicSite.largestBody), log: log)
        self.site = site
        let front = Front(loop: loop, instances: manager, log: log)
        self.front = front
        let sites = InstanceSites(
            loop: loop, front: front, prisma: prisma, drivers: drivers, dump: dump, daemonPort: bound.port, log: log)
        self.sites = sites
        try await manager.start(binder: sites)

        let housekeeper = Housekeeper(loop: loop, manager: manager, log: log, wall: WallClock.now)
        self.housekeeper = housekeeper
        await housekeeper.look()

        let service = Control(
            loop: loop, manager: manager, registry: registry, layout: layout, serversUser: user, httpPort: bound.port,
            httpPortReason: displaced, startedAt: startedAt,
            handoffProblem: support.path == nil ? support.reason : nil, cache: { prisma.cacheFacts($0) },
            removed: { await housekeeper.look() }, answered: { [weak self] in self?.stirred() },
            leave: { request in await self.leave(stopServers: request.stopServers, handover: request.handover) })
        let control = HTTPServer(
            loop: loop, router: ControlAPI(control: service).router(), limits: HTTPServer.Limits(body: 1 << 20), log: log,
            admit: PeerCheck.isOurs)
        self.control = control
        for descriptor in bound.descriptors { try await site.listen(descriptor) }
        let controlSocket = ControlSocket(loop: loop, layout: layout, servedByAnother: user != nil, log: log, control: control)
        self.controlSocket = controlSocket
        try await controlSocket.open()
        log.info("ready", ["http": Int(bound.port), "instances": await manager.list().count])
        copySoon()
    }

    /// Begins a copy of the registry, or another when one is under way. Nobody waits for it: what it does not have yet is in the
    /// notes of the instances' folders.
    private func copySoon() {
        copyIsOld = true
        guard copying == nil, !isLeaving else { return }
        copying = loop.task { await self.copyUntilNew() }
    }

    private func copyUntilNew() async {
        while copyIsOld {
            copyIsOld = false
            await keepCopy()
        }
        copying = nil
        stirred()
    }

    /// A copy of the registry, from which a person can restore a damaged one: of what was good enough to start with, of each
    /// instance that came, went or changed, and of what a clean stop leaves.
    private func keepCopy() async {
        guard let registry else { return }
        do throws(DevError) {
            try await loop.blocking { () throws(DevError) in try registry.backup() }
            Failpoint.pass("copy.made")
        } catch {
            log.warning("no copy of the registry", ["error": error])
        }
    }

    private func wantedPort() throws(DevError) -> UInt16? {
        guard let text = environment["DEVDB_HTTP_PORT"], !text.isEmpty else { return nil }
        guard let port = UInt16(text) else {
            throw DevError(
                .badConfiguration, "DEVDB_HTTP_PORT is no port", object: text.prefixed(80), help: "Set it to a number from 0 to 65535")
        }
        return port
    }

    private func catchSignals() throws(DevError) {
        for number in [SIGTERM, SIGINT] {
            signals.append(
                try SignalHandle(loop: loop, signal: number) { [weak self] in
                    self?.assumeIsolated { $0.leave(stopServers: false) }
                })
        }
    }

    /// Begins to leave and returns: whoever asked over the control socket still gets an answer.
    /// - Parameter handover: where the next daemon waits for the listening sockets.
    func leave(stopServers: Bool, handover: String? = nil) {
        guard !isLeaving else { return }
        isLeaving = true
        log.info("leaving", ["stop-servers": stopServers])
        loop.task {
            await self.close(stopServers: stopServers, handover: handover)
            self.loop.stop()
        }
    }

    /// Stop accepting, let requests and pumped sessions end, leave servers and handed-off sessions alone.
    private func close(stopServers: Bool, handover: String? = nil) async {
        // The next daemon must find no socket of ours, but a client that is connected still gets its answer.
        await controlSocket?.close()
        await control?.close(within: Self.patience)
        if let handover { await handOver(to: handover) }
        await site?.close(within: Self.patience)
        await sites?.closeAll()
        await prisma?.close()
        drivers?.close()
        await housekeeper?.close()
        await front?.close(within: Self.patience)
        await manager?.shutdown(stopServers: stopServers)
        await copying?.value
        await keepCopy()
        Home.leave(layout)
        calm.close()
        for handle in signals { handle.close() }
        signals = []
        log.info("left")
    }
}
