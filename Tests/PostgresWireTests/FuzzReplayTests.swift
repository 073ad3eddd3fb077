import Testing
import WireTestSupport

/// What the fuzzers start from and what they have found.
@Suite struct FuzzReplayTests {
    @Test func startup() throws {
        let inputs = FuzzInputs.all("startup")
        #expect(!inputs.isEmpty, "no inputs found")
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try checkStartup(bytes) } }
    }

    @Test func login() throws {
        let inputs = FuzzInputs.all("login")
        #expect(!inputs.isEmpty, "no inputs found")
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try checkLogin(bytes) } }
    }
}
