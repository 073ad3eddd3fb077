import TestSupport
import Testing

/// One server for all tests of a suite.
struct WithServer: SuiteTrait, TestScoping {
    @TaskLocal static var current: PostgresCluster?

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws
    {
        let server = try await PostgresCluster.start()
        try await WithServer.$current.withValue(server) { try await function() }
        try await server.stop(.immediate)
    }

    static func server() throws -> PostgresCluster { try #require(current, "the suite has no server") }
}

extension PostgresCluster {
    /// libpq's.
    var parameters: [String: String] { ["host": socketDirectory, "user": "postgres", "dbname": "postgres"] }
}
