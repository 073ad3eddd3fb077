internal import DevAPI
internal import HTTPShim

extension PrismaService {
    /// For `dev status`; on the loop.
    nonisolated func cacheFacts(_ id: String) -> CacheFacts? {
        guard let use = assumeIsolated({ $0.cacheUse(id) }) else { return nil }
        return CacheFacts(
            entries: use.entries, bytes: use.bytes, capacity: PrismaService.cacheCapacity, hits: use.hits, stale: use.stale,
            misses: use.misses)
    }
}
