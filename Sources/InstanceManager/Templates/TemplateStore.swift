internal import Basics
internal import Files
internal import Loop

/// Templates and spares of a home. New instances get their data directory here: from the spare by a rename, else by
/// cloning the template, else by `initdb` straight into the instance (the very first one must not wait for a copy);
/// the template is then made in the background by an `initdb` of its own.
///
/// Safe against crashes because everything is made under a name that begins with `.new-` and then renamed; leftovers
/// are swept at start. Safe against two daemons because the home has one lock.
actor TemplateStore {
    enum Method: String, Sendable {
        case spare, clone, initdb
        var isDurable: Bool { self == .spare }
    }

    private nonisolated let loop: Loop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private let layout: HomeLayout
    private let user: ServersUser?
    private let maker: ClusterMaker
    private let log: Log
    private let pause: Duration
    private let enabled: Bool
    /// Templates and spares being made now; keys.
    private var busy: Set<String> = []
    private var work: [String: Task<Void, Never>] = [:]
    private var serial = 0
    private var closed = false

    /// - Parameters:
    ///   - pause: from an instance's creation to the work in the background, so that it does not take the processor
    ///     from the server that starts.
    ///   - background: off = no templates and spares are made ahead (tests).
    init(loop: Loop, layout: HomeLayout, user: ServersUser?, log: Log, pause: Duration, background: Bool) {
        self.loop = loop
        self.layout = layout
        self.user = user
        self.log = log
        self.pause = pause
        enabled = background
        maker = ClusterMaker(loop: loop, user: user)
    }

    private func template(_ key: TemplateKey) -> String { layout.templates + "/" + key.text }
    private func spare(_ key: TemplateKey) -> String { layout.spares + "/" + key.text }

    /// Puts a fresh data directory at `target`, whose folder exists. Only one from the spare is on the disk already: the
    /// caller sees to that for the others.
    /// - Throws: `disk-full`, `failed`; then there is nothing at `target`.
    func provide(_ toolchain: Toolchain, profile: String, at target: String) async throws(DevError) -> Method {
        guard let key = TemplateKey(toolchain, profile: profile) else {
            throw DevError(.noPostgres, "\(toolchain.bin) has gone", object: toolchain.bin, help: "Run dev doctor")
        }
        defer { prepareAhead(toolchain, key) }
        let spare = spare(key)
        if !busy.contains("spare " + key.text), Paths.isFolder(spare) {
            // `rename` is the whole cost; if it fails (swept by hand) the next way is taken.
            let taken: Void? = try? await loop.blocking { () throws(DevError) in try DurableFile.rename(spare, target) }
            if taken != nil { return .spare }
        }
        let template = template(key)
        if Paths.isFolder(template) {
            let user = user
            let report = try await loop.blocking { () throws(DevError) in
                try TreeClone.clone(template, to: target, owner: user?.ids, durable: false)
            }
            log.debug("cloned", ["template": key.text, "method": report.method.rawValue, "bytes": report.bytes])
            return .clone
        }
        try await maker.make(toolchain, at: target, gently: false)
        return .initdb
    }

    /// Removes what a crash left half made.
    func sweep() async {
        for folder in [layout.templates, layout.spares] {
            for name in Paths.list(folder) where name.hasPrefix(".new-") {
                let path = folder + "/" + name
                try? await loop.blocking { () throws(DevError) in try TreeClone.remove(path) }
            }
        }
    }

    /// Ends the work in the background: `initdb` must not outlive the daemon.
    func close() async {
        closed = true
        for task in work.values { task.cancel() }
        for task in work.values { await task.value }
    }

    /// In the background: the template if it is missing, then the spare if it is missing.
    private func prepareAhead(_ toolchain: Toolchain, _ key: TemplateKey) {
        guard enabled, !closed, !busy.contains(key.text) else { return }
        busy.insert(key.text)
        work[key.text] = loop.task {
            try? await self.loop.clock.sleep(for: self.pause)
            await self.makeAhead(toolchain, key)
        }
    }

    private func makeAhead(_ toolchain: Toolchain, _ key: TemplateKey) async {
        defer {
            busy.remove(key.text)
            work[key.text] = nil
        }
        guard !closed else { return }
        do {
            if !Paths.isFolder(template(key)) { try await makeTemplate(toolchain, key) }
            if !closed, !Paths.isFolder(spare(key)), try roomForSpare() { try await makeSpare(key) }
        } catch {
            if !closed { log.warning("template", ["key": key.text, "error": error]) }
        }
    }

    private func makeTemplate(_ toolchain: Toolchain, _ key: TemplateKey) async throws(DevError) {
        let fresh = newName(in: layout.templates)
        let final = template(key)
        try await maker.make(toolchain, at: fresh, gently: true)
        Failpoint.pass("template.made")
        try await loop.blocking { () throws(DevError) in try DurableFile.rename(fresh, final) }
        log.info("template", ["key": key.text])
    }

    private func makeSpare(_ key: TemplateKey) async throws(DevError) {
        let mark = "spare " + key.text
        busy.insert(mark)
        defer { busy.remove(mark) }
        let fresh = newName(in: layout.spares)
        let (source, final, user) = (template(key), spare(key), user)
        _ = try await loop.blocking { () throws(DevError) in
            try TreeClone.clone(source, to: fresh, owner: user?.ids, durable: true)
        }
        Failpoint.pass("spare.cloned")
        try await loop.blocking { () throws(DevError) in try DurableFile.rename(fresh, final) }
    }

    /// A spare is a comfort: not on a disk with less than a tenth or 2 GB free.
    private func roomForSpare() throws(DevError) -> Bool {
        let space = try TreeClone.space(layout.spares)
        return space.free >= 2 << 30 && space.free >= space.total / 10
    }

    private func newName(in folder: String) -> String {
        serial += 1
        return folder + "/.new-\(serial)"
    }
}
