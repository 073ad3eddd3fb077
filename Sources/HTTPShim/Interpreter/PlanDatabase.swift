internal import PostgresSession

/// What a plan's statements run on.
protocol PlanDatabase: AnyObject {
    /// Whether all statements run on one session, inside a transaction.
    var isTransaction: Bool { get }

    /// - Parameter isRaw: decides how a failure reads.
    /// - Returns: nil for several statements in one text.
    func send(_ statement: Statement, isRaw: Bool) async throws(PlanFailure) -> ResultView?

    /// Runs the work on one session between BEGIN and COMMIT; an error rolls back.
    @discardableResult
    func transaction(_ work: (any PlanDatabase) async throws(PlanFailure) -> Value) async throws(PlanFailure) -> Value
}
