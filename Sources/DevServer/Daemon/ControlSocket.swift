internal import Basics
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The control socket, made again when somebody removes it: a daemon without one holds the home and can't be told to leave.
actor ControlSocket {
    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let layout: HomeLayout
    private let servedByAnother: Bool
    private let log: Log
    private let control: HTTPServer
    private var watch: FolderWatch?
    private var isClosed = false

    init(loop: Loop, layout: HomeLayout, servedByAnother: Bool, log: Log, control: HTTPServer) {
        self.loop = loop
        self.layout = layout
        self.servedByAnother = servedByAnother
        self.log = log
        self.control = control
    }

    func open() async throws(DevError) {
        let (layout, servedByAnother) = (layout, servedByAnother)
        try await loop.blocking { () throws(DevError) in try Home.prepare(layout, servedByAnother: servedByAnother) }
        guard !isClosed else { return }
        try await control.listen(try Listener.unix(path: layout.controlSocket))
        watch = try? FolderWatch(loop: loop, path: layout.sockets) { [weak self] _ in self?.assumeIsolated { $0.look() } }
        // It may have gone before there was a watch.
        look()
    }

    func close() {
        isClosed = true
        watch?.close()
        unlink(layout.controlSocket)
    }

    private func look() {
        guard !isClosed, watch != nil, access(layout.controlSocket, F_OK) != 0 else { return }
        log.warning("control socket made again", ["path": layout.controlSocket])
        watch?.close()
        watch = nil
        loop.task { await self.openAgain() }
    }

    private func openAgain() async {
        do throws(DevError) { try await open() } catch { log.error("no control socket", ["error": error]) }
    }
}
