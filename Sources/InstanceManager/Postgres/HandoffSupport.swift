/// The library that gives clients' sockets to backends, as far as this room is concerned: what to load, or why not.
public struct HandoffSupport: Sendable, Equatable {
    /// Where the servers' user can read it; nil = none.
    public var path: String?
    /// Why there is none.
    public var reason: String

    public init(path: String?, reason: String = "") {
        self.path = path
        self.reason = reason
    }

    /// The loader's variable for it.
    static var variable: String {
        #if canImport(Darwin)
            "DYLD_INSERT_LIBRARIES"
        #else
            "LD_PRELOAD"
        #endif
    }
}
