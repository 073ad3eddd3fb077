internal import Basics
internal import Files
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

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
    private let stirred: @Sendable () -> Void
    /// Templates and spares being made now; keys.
    private var busy: Set<String> = []
    private var work: [String: Task<Void, Never>] = [:]
    private var serial = 0
    private var closed = false

    /// - Parameters:
    ///   - pause: from an instance's creation to the work in the background, so that it does not take the processor
    ///     from the server that starts.
    ///   - background: off = no templates and spares are made ahead (tests).
    init(
        loop: Loop, layout: HomeLayout, user: ServersUser?, log: Log, pause: Duration, background: Bool,
        stirred: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.layout = layout
        self.user = user
        self.log = log
        self.pause = pause
        enabled = background
        self.stirred = stirred
        maker = ClusterMaker(loop: loop, user: user)
    }

    private func template(_ key: TemplateKey) -> String { layout.templates + "/" + key.text }
    private func spare(_ key: TemplateKey) -> String { layout.spares + "/" + key.text }

    /// Puts a fresh data directory at `target`, whose folder exists. One from the spare is on the disk already, though not
    /// under this name; the caller sees to the rest.
    /// - Throws: `disk-full`, `failed`; then there is nothing at `target`.
    func provide(_ toolchain: Toolchain, profile: String, at target: String) async throws(DevError) -> Method {
        guard let key = TemplateKey(toolchain, profile: profile) else {
            throw DevError(.noPostgres, "\(toolchain.bin) has gone", object: toolchain.bin, help: "Run dev doctor")
        }
        defer { prepareAhead(toolchain, key) }
        // What is used is not old: see `retire`.
        for path in [template(key), spare(key)] { utimensat(AT_FDCWD, path, nil, 0) }
        let spare = spare(key)
        if !busy.contains("spare " + key.text), Paths.isFolder(spare) {
            // The whole cost; if it fails (swept by hand) the next way is taken.
            if rename(spare, target) == 0 { return .spare }
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

    /// Unused for so long they are deleted, in seconds: 30 days, and one when no PostgreSQL that was found is theirs (another
    /// environment's daemon may know it). Another costs an `initdb`.
    static let keepUnused = 30.0 * 86_400
    static let keepStrange = 86_400.0

    /// Deletes templates and spares that nobody uses, of builds that have gone above all.
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - known: what the builds of this machine have; asked only if there is something old.
    func retire(now: Double, known: () async -> Set<String>) async {
        func age(_ path: String) -> Double { Paths.stamp(path).map { now - Double($0.modified) / 1e9 } ?? 0 }
        let old = [layout.templates, layout.spares].flatMap { folder in
            Paths.list(folder).filter { !$0.hasPrefix(".") && age(folder + "/" + $0) > TemplateStore.keepStrange }.map { (folder, $0) }
        }
        guard !old.isEmpty else { return }
        let known = await known()
        for (folder, name) in old where !busy.contains(name) {
            let path = folder + "/" + name
            guard age(path) > (known.contains(name) ? TemplateStore.keepUnused : TemplateStore.keepStrange) else { continue }
            // Half of a template must not be under its name.
            let gone = newName(in: folder)
            guard rename(path, gone) == 0 else { continue }
            log.info("retired", ["template": name])
            try? await loop.blocking { () throws(DevError) in try TreeClone.remove(gone) }
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
            stirred()
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
