internal import Basics

extension PlanFailure {
    /// The hosted service's errors (HTTP protocol specification §4.3). What they say names the setting, so that nobody looks for
    /// the reason elsewhere.
    private static func limited(_ status: Int, _ code: String, _ message: String) -> PlanFailure {
        PlanFailure(kind: .limited(status), code: code, message: message, meta: nil)
    }

    static func queryTimeout(_ limit: Duration) -> PlanFailure {
        limited(
            422, "P6004", "The query took longer than limits.queryTimeout allows (\(Refusals.milliseconds(limit)) ms), and was cancelled.")
    }

    static func responseSize(_ bytes: Int, _ limit: Int) -> PlanFailure {
        limited(413, "P6009", "The response has \(bytes) bytes, more than limits.responseSize allows (\(limit) bytes).")
    }

    static func tooManyRequests(_ limit: Int) -> PlanFailure {
        limited(429, "P5011", "There are more requests than limits.requestsPerSecond allows (\(limit) in a second).")
    }

    static func tooManyInvalidations(_ limit: Int) -> PlanFailure {
        limited(429, "P6003", "There are more invalidations than limits.requestsPerSecond allows (\(limit) in a second).")
    }

    static func noConnection(_ limit: Int) -> PlanFailure {
        limited(503, "P6008", "Can't get a connection to the database: limits.connections allows \(limit) at once, and all are in use.")
    }

    static func chaos(_ name: InstanceName) -> PlanFailure {
        limited(500, "P6000", "This request was made to fail by chaos.fail of \(name); dev config unset chaos.fail ends that.")
    }
}

enum Refusals {
    static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    }
}
