/// Where a plan's random values and its time come from; passed in, so that tests can say what comes.
struct Chance: Sendable {
    /// Milliseconds since 1970.
    var milliseconds: @Sendable () -> Int64
    /// So many random bytes, fit for secrets.
    var bytes: @Sendable (Int) -> [UInt8]

    /// A number below `limit`, each as likely.
    func below(_ limit: Int) -> Int {
        guard limit > 1 else { return 0 }
        // What is left of 2^32 above the last whole multiple is drawn again.
        let bound = UInt32.max - UInt32.max % UInt32(truncatingIfNeeded: limit)
        while true {
            let drawn = bytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if drawn < bound { return Int(drawn % UInt32(truncatingIfNeeded: limit)) }
        }
    }

    func text(_ count: Int, from alphabet: StaticString) -> String {
        String(decoding: (0..<count).map { _ in alphabet.utf8Start[below(alphabet.utf8CodeUnitCount)] }, as: UTF8.self)
    }
}
