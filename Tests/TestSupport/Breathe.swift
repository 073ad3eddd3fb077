/// The body of a loop that asks until something is so: lets the others have the thread (a loop of awaits that never suspend
/// keeps it, and two of them keep the whole pool) and ends when the test's time limit has.
public func breathe() async throws {
    try Task.checkCancellation()
    await Task.yield()
}
