import HTTPWire
import Testing

@testable import HTTPShim

/// The routes of Prisma 6's default engine (`../shared/corpus/v6`), and what only looks like them.
@Suite struct DataProxyTests {
    private static let base = "/6.19.3/" + String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("PUT", base + "/schema"), ("POST", base + "/graphql"), ("POST", base + "/transaction/start"),
        ("POST", base + "/itx/c2a9/graphql"), ("POST", base + "/itx/c2a9/commit"), ("POST", base + "/itx/c2a9/rollback"),
    ])
    func clientsAreToldTheWaysOut(method: String, path: String) throws {
        let response = try #require(DataProxy.refusal(method, path))
        let error = try JSONScanner.parse(response.body)["EngineNotStarted"]?["reason"]?["KnownEngineStartupError"]
        #expect(response.status == 500 && error?["error_code"]?.string == "P6008")
        let words = error?["msg"]?.string ?? ""
        #expect(words.contains("postgres://") && words.contains("engineType = \"client\""))
    }

    @Test(arguments: [
        ("GET", base + "/schema"), ("POST", base), ("POST", "/transaction/0a/query"), ("POST", "/6.19.3//graphql"), ("POST", "//"),
        ("POST", base + "/itx/c2a9/other"), ("POST", "/x/0a/graphql"), ("POST", "/"), ("POST", ""), ("POST", "/6.1/zz/graphql"),
    ])
    func otherPathsAreNobodys(method: String, path: String) { #expect(DataProxy.refusal(method, path) == nil) }
}
