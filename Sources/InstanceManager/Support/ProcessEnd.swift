internal import Loop

enum ProcessEnd {
    /// Waits until a process that need not be a child has ended; one that is gone has. Cancellation does not shorten it. On the
    /// loop.
    static func wait(_ loop: Loop, _ pid: Int32, atMost limit: Duration) async {
        let ended = Trigger()
        guard let watch = try? ExitWatch(loop: loop, pid: pid, { ended.fire() }) else { return }
        let timer = TimerHandle(loop: loop)
        timer.start(after: limit) { ended.fire() }
        await ended.wait(after: 0)
        timer.close()
        watch.close()
    }
}
