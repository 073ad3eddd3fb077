internal import HTTPWire

/// What a query's `cacheStrategy` asks for, as the Accelerate extension sends it (HTTP protocol specification §8.1).
struct CacheStrategy: Equatable {
    /// How old an answer may be.
    var ttl: Duration = .zero
    /// How much older still, while it is asked for anew.
    var swr: Duration = .zero
    var tags: Set<String> = []

    /// A year: longer than any daemon lives, and far from what a duration can't hold.
    private static let longest = 31_536_000.0

    /// nil without the header that the extension sends with each query of a model.
    init?(_ headers: Headers) {
        guard let control = headers["cache-control"] else { return nil }
        for item in control.split(separator: ",") {
            let sides = item.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let seconds = Double(sides[1]), seconds > 0 else { continue }
            let span = Duration.milliseconds(Int64(min(seconds, CacheStrategy.longest) * 1000))
            switch sides[0].lowercased() {
            case "max-age": ttl = span
            case "stale-while-revalidate": swr = span
            default: continue
            }
        }
        tags = Set((headers["accelerate-cache-tags"] ?? "").split(separator: ",").map(String.init))
    }

    init(ttl: Duration, swr: Duration = .zero, tags: Set<String> = []) {
        self.ttl = ttl
        self.swr = swr
        self.tags = tags
    }

    /// `no-cache`, or nothing that could be kept for a moment.
    var isCaching: Bool { lifetime > .zero }
    var lifetime: Duration { ttl + swr }
}
