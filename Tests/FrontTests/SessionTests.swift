import Foundation
import TestSupport
import Testing

@testable import Front

@Suite struct SessionTests {
    @Test(arguments: Variant.all)
    func aSessionIsLikeADirectOne(_ variant: Variant) async throws {
        try await FrontHarness.with(variant) { harness in
            #expect(try await harness.query("select 1") == "1")
            #expect(try await harness.query("select 1", url: harness.url(host: "localhost")) == "1")
            #expect(try await harness.query("select 1", url: harness.url(host: "[::1]")) == "1")
            let address = try await harness.query("select coalesce(host(inet_client_addr()), 'local')")
            #expect(address == (variant.mode == .unmarked ? "local" : "127.0.0.1"))
            await harness.instances.sessions(0, of: 4)
        }
    }
}
