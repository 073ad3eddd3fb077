public import Basics
internal import Files
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension InstanceManager {
    /// The main database's schema as SQL, without owners, as `prisma dev` dumps it (prisma-dev-cli.md §8). Wakes the server. Who asks
    /// while one is being made gets that one.
    /// - Returns: the file's path, in the instance's folder: 0600, and the next one takes its place.
    /// - Throws: `not-found`; what waking says; `failed` with `pg_dump`'s words.
    public func dumpSchema(_ name: InstanceName) async throws(DevError) -> String {
        guard let record = status(name)?.record else {
            throw DevError(.notFound, "There is no instance \(name)", object: name.text, help: "Run dev up \(name)")
        }
        let work = dumps[record.id] ?? loop.task { await self.dumped(record) }
        dumps[record.id] = work
        let outcome = await work.value
        return try outcome.get()
    }

    private func dumped(_ record: InstanceRecord) async -> Result<String, DevError> {
        defer { dumps[record.id] = nil }
        do throws(DevError) { return .success(try await dump(record)) } catch { return .failure(error) }
    }

    private func dump(_ record: InstanceRecord) async throws(DevError) -> String {
        let endpoint = try await endpoint(record.id)
        let layout = configuration.layout
        // The servers' user owns the instance's folder: nothing is opened there under a name that it may have given to something else.
        let (draft, path) = (layout.root + "/.dump-" + record.id, layout.instanceDirectory(record.id) + "/dump.sql")
        unlink(draft)
        let result = try await Command.run(
            loop: loop, record.pgBin + "/pg_dump",
            [
                "--schema-only", "--no-owner", "--no-password", "--file", draft, "--host", endpoint.socketDirectory, "--port", "5432",
                "--username", "postgres", "--dbname", record.mainDatabase,
            ], environment: ServerEnvironment.values(home: layout.root))
        guard result.succeeded, chmod(draft, 0o600) == 0, rename(draft, path) == 0 else {
            unlink(draft)
            throw DevError(
                .failed, "The schema of \(record.name) can't be dumped", object: record.name.text, cause: String(result.output.suffix(300)),
                help: "Run dev doctor")
        }
        return path
    }
}
