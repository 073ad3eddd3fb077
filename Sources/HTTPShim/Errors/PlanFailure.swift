/// How the run of a plan fails, as the client is told (query plan specification §11).
struct PlanFailure: Error, Equatable {
    /// Decides the HTTP status.
    enum Kind: Equatable {
        /// Has a Prisma code: 400.
        case user
        /// The transaction manager's, P2028: 409.
        case transaction
        /// The query's time is over: 422.
        case timeout
        /// A person's limit, with its status.
        case limited(Int)
        /// Not classified: 500, without a code.
        case plain
    }

    var kind: Kind
    /// `P2002`; nil in a plain failure.
    var code: String?
    var message: String
    /// An object; nil when the answer has no `meta`.
    var meta: JSON?

    static func plain(_ message: String) -> PlanFailure { PlanFailure(kind: .plain, code: nil, message: message, meta: nil) }

    static func user(_ code: String, _ message: String, meta: JSON = .object([])) -> PlanFailure {
        PlanFailure(kind: .user, code: code, message: message, meta: meta)
    }

    static func transaction(_ message: String, meta: JSON = .object([])) -> PlanFailure {
        PlanFailure(kind: .transaction, code: "P2028", message: "Transaction API error: " + message, meta: meta)
    }

    static let timeout = PlanFailure(kind: .timeout, code: nil, message: "Query timeout exceeded", meta: nil)

    /// A value that does not fit the result's declared type (§6).
    static func mapping(_ message: String) -> PlanFailure { user("P2023", message) }

    var status: Int {
        switch kind {
        case .user: 400
        case .transaction: 409
        case .timeout: 422
        case .limited(let status): status
        case .plain: 500
        }
    }
}
