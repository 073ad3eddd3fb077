/// Something may have changed: wakes all who wait for it. Confined to the loop. A change between two waits is not
/// missed, because a waiter says which count it has seen.
final class Trigger {
    private(set) var count = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func fire() {
        count += 1
        let woken = waiting
        waiting = []
        for continuation in woken { continuation.resume() }
    }

    /// Returns when the count is another than `seen`.
    func wait(after seen: Int) async {
        guard count == seen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}
