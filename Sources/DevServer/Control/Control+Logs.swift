internal import Basics
internal import DevAPI
internal import InstanceManager
internal import Loop
internal import Registry

extension Control {
    /// Streams the server's log; with `follow` until the client leaves or the instance is removed.
    /// - Throws: `daemon-unreachable` when the daemon leaves, which is not the log's end.
    func logs(_ request: LogsRequest, _ progress: Progress) async throws(DevError) {
        var failure: DevError?
        do throws(DevError) { try await tell(request, progress) } catch { failure = error }
        if request.follow, Task.isCancelled {
            throw DevError(.daemonUnreachable, "The daemon is leaving", object: layout.controlSocket, help: "Run the command again")
        }
        if let failure { throw failure }
    }

    private func tell(_ request: LogsRequest, _ progress: Progress) async throws(DevError) {
        let record = try await existing(request.selection).status.record
        let folder = layout.instanceDirectory(record.id)
        var reader = LogReader(path: layout.serverLog(record.id))
        // The watch begins before the first look, so that nothing written in between is missed.
        let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watch = request.follow ? try FolderWatch(loop: loop, path: folder) { _ in changed.yield() } : nil
        defer { watch?.close() }
        let count = min(max(request.tail, 0), 100_000)
        let (afterTail, lines) = try await loop.blocking { [reader] in
            var reader = reader
            let lines = request.after.map { reader.resume($0) } ?? reader.tail(count)
            return (reader, lines)
        }
        reader = afterTail
        defer { reader.close() }
        for line in lines { try await progress.line(line) }
        guard request.follow else {
            for line in reader.rest() { try await progress.line(line) }
            return
        }
        // Also of a log that is not there yet.
        try await progress.position(reader.position ?? LogPosition(file: 0, offset: 0))
        var turns = changes.makeAsyncIterator()
        repeat {
            var again = true
            while again {
                let step = try await loop.blocking { [reader] in
                    var reader = reader
                    let (lines, again) = reader.more()
                    return (reader, lines, again)
                }
                reader = step.0
                for line in step.1 { try await progress.line(line) }
                if !step.1.isEmpty, let position = reader.position { try await progress.position(position) }
                again = step.2
            }
            // Removed: its folder has been renamed into the trash, which the watch has told.
            guard Folder.exists(folder), await manager.status(record.name)?.record.id == record.id else { return }
        } while await turns.next() != nil
    }
}
