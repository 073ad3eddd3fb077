extension Loop {
    /// `assumeIsolated` for an actor of this loop, in a few instructions: that one asks the concurrency runtime, which takes
    /// a thousand, and callbacks of sessions come by the thousand. Traps on another thread.
    @inline(__always)
    public func isolated<Of: Actor, Result>(_ actor: Of, _ body: (isolated Of) -> Result) -> Result {
        precondition(isCurrent, "not on the loop's thread")
        #if DEBUG
            actor.preconditionIsolated()
        #endif
        // As the standard library does it: isolation is no part of how a function is called.
        return withoutActuallyEscaping(body) { unsafeBitCast($0, to: ((Of) -> Result).self)(actor) }
    }
}
