import Testing
import WireTestSupport

/// What the fuzzer starts from and what it has found.
@Suite struct FuzzReplayTests {
    @Test func http() throws {
        let inputs = FuzzInputs.all("http")
        #expect(!inputs.isEmpty, "no inputs found")
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try checkRequests(bytes) } }
    }

    @Test func webSocket() throws {
        let inputs = FuzzInputs.all("websocket")
        #expect(!inputs.isEmpty, "no inputs found")
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try checkWebSocket(bytes) } }
    }
}
