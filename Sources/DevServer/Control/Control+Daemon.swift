internal import Basics
internal import DevAPI
internal import InstanceManager
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Control {
    func daemon() async throws(DevError) -> DaemonFacts {
        DaemonFacts(
            version: devdbVersion, pid: Int(getpid()), home: layout.root, controlSocket: layout.controlSocket,
            httpUrl: "http://localhost:\(httpPort)", httpPort: Int(httpPort), startedAt: Timestamp.text(startedAt),
            instances: await manager.list().count, runsServersAs: serversUser?.name,
            httpPortReason: httpPortReason)
    }

    /// Answers, then leaves: the answer goes out while the daemon lets its connections end.
    func shutdown(_ request: ShutdownRequest, _ progress: Progress) async throws(DevError) {
        if request.stopServers {
            for status in await manager.list() where Self.isUp(status) {
                await progress.say("Stopping \(status.record.name)")
                try await manager.stop(status.record.id)
            }
        }
        await leave(request)
    }
}
