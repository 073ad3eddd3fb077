internal import Basics
internal import Files
internal import Loop

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Makes data directories with `initdb`.
struct ClusterMaker: Sendable {
    let loop: Loop
    let user: ServersUser?

    /// Runs `initdb` into an empty folder that is made here.
    /// - Parameters:
    ///   - folder: does not exist yet; a failure leaves none.
    ///   - gently: at a low priority and to the disk at once, since nobody waits for it.
    /// - Throws: `disk-full`, `failed` with what `initdb` said.
    func make(_ toolchain: Toolchain, at folder: String, gently: Bool) async throws(DevError) {
        let user = user
        try await loop.blocking { () throws(DevError) in
            try DurableFile.makeFolder(folder, mode: 0o700, owner: user?.ids)
        }
        do {
            try await initialize(toolchain, folder, gently: gently)
            try await loop.blocking { () throws(DevError) in
                try ClusterMaker.dress(folder, user: user)
                if gently { try TreeClone.sync(folder) }
            }
        } catch {
            await freeMemory(folder)
            try? await loop.blocking { () throws(DevError) in try TreeClone.remove(folder) }
            throw error
        }
    }

    /// A killed `initdb` leaves a `postgres` that is just dying, and its shared memory, which no later start frees: the folder
    /// goes.
    private func freeMemory(_ folder: String) async {
        guard let file = PostmasterFile.read(folder), file.pid != .min else { return }
        await ProcessEnd.wait(loop, abs(file.pid), atMost: .seconds(5))
        SharedMemory.free(dataDirectory: folder)
    }

    private func initialize(_ toolchain: Toolchain, _ folder: String, gently: Bool) async throws(DevError) {
        var arguments = [
            "-D", folder, "-U", "postgres", "-E", "UTF8", "--locale=\(ClusterMaker.locale)", "--data-checksums", "--auth=trust",
            "--no-sync",
        ]
        if toolchain.major >= 14 { arguments.append("--no-instructions") }
        var program = toolchain.initdb
        if gently, Paths.isExecutable("/usr/bin/nice") {
            arguments = ["-n", "10", program] + arguments
            program = "/usr/bin/nice"
        }
        let result = try await Command.run(
            loop: loop, program, arguments, environment: ServerEnvironment.values(home: folder), user: user?.ids)
        guard result.succeeded else {
            let said = result.output.split(separator: "\n").filter { $0.contains("error") || $0.contains("FATAL") || $0.contains("DETAIL") }
            let full = result.output.contains("No space left on device")
            if let user, let closed = user.closedFolder(on: folder) {
                throw DevError(
                    .failed, "\(user.name), as whom the servers run, can't reach \(folder)", object: closed,
                    cause: "\(user.name) may not enter \(closed)", help: user.helpToReach(closed))
            }
            throw DevError(
                full ? .diskFull : .failed, "initdb of PostgreSQL \(toolchain.version) failed", object: toolchain.initdb,
                cause: said.isEmpty ? String(result.output.suffix(300)) : said.joined(separator: "; "),
                help: full ? "Free some space and try again" : "Run dev doctor")
        }
    }

    /// Replaces `initdb`'s settings by ours; what it chose is in the profiles.
    static func dress(_ folder: String, user: ServersUser?) throws(DevError) {
        try OwnedFile.write(ServerSettings.personsFile, to: folder + "/postgresql.conf", user: user)
        try OwnedFile.write(HostRules.file(present: nil), to: folder + "/pg_hba.conf", user: user)
    }

    /// `C.UTF-8` sorts by code point at C's speed; where it is missing, the next best that is UTF-8.
    private static let locale: String = {
        for name in ["C.UTF-8", "C.utf8", "en_US.UTF-8"] {
            guard let found = newlocale(LC_CTYPE_MASK | LC_COLLATE_MASK, name, nil) else { continue }
            freelocale(found)
            return name
        }
        return "C"
    }()
}
