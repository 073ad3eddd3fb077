internal import Basics
internal import HTTPShim
internal import InstanceManager
internal import Loop
internal import Registry

/// All ports of instances: database and shadow are the front's, an HTTP port of an instance's own is served here.
actor InstanceSites: PortBinder {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let front: any PortBinder
    private let prisma: PrismaService
    private let drivers: DriverService
    private let dump: PublicSite.Dump
    /// Instances that have this one are served by the daemon's own listener.
    private let daemonPort: UInt16
    private let log: Log
    private var sites: [String: (port: UInt16, server: HTTPServer)] = [:]

    init(
        loop: Loop, front: any PortBinder, prisma: PrismaService, drivers: DriverService, dump: @escaping PublicSite.Dump,
        daemonPort: UInt16, log: Log
    ) {
        self.loop = loop
        self.front = front
        self.prisma = prisma
        self.drivers = drivers
        self.dump = dump
        self.daemonPort = daemonPort
        self.log = log
    }

    func bind(_ record: InstanceRecord) async throws(DevError) {
        try await openSite(record)
        do {
            try await front.bind(record)
        } catch {
            await close(record.id)
            throw error
        }
    }

    func bindAvailable(_ record: InstanceRecord) async -> [DevError] {
        var problems: [DevError] = []
        do throws(DevError) { try await openSite(record) } catch { problems.append(error) }
        // The database's ports are looked at also then; theirs is what matters more.
        return await front.bindAvailable(record) + problems
    }

    private func openSite(_ record: InstanceRecord) async throws(DevError) {
        let wanted = record.ports.first { $0.kind == .http }?.port
        if let site = sites[record.id], site.port != wanted { await close(record.id) }
        if let wanted, wanted != daemonPort, sites[record.id] == nil {
            let bound: LoopbackPort
            do throws(DevError) {
                bound = try LoopbackPort.bind(wanted)
            } catch {
                guard error.code == .portTaken else { throw error }
                throw DevError(.portTaken, "Port \(wanted) is used by another program", object: String(wanted), cause: error.cause)
            }
            let server = HTTPServer(
                loop: loop,
                router: PublicSite.router(name: record.name, dump: dump, prisma: prisma, drivers: drivers, only: record.name),
                limits: HTTPServer.Limits(body: PublicSite.largestBody), log: log)
            sites[record.id] = (wanted, server)
            for descriptor in bound.descriptors { try await server.listen(descriptor) }
        }
    }

    func release(_ id: String) async {
        await front.release(id)
        await close(id)
        await prisma.forget(id)
    }

    var listening: [Int32] {
        get async {
            var all: [Int32] = []
            for site in sites.values { all += await site.server.listening }
            return all
        }
    }

    func closeAll() async {
        for id in Array(sites.keys) { await close(id) }
    }

    private func close(_ id: String) async {
        guard let site = sites.removeValue(forKey: id) else { return }
        await site.server.close(within: .seconds(1))
    }
}
