import Basics
import Testing

@Suite struct IdleLimitTests {
    @Test(arguments: [("never", "never"), ("30s", "30s"), ("600", "10m"), ("10m", "10m"), ("90m", "90m"), ("24h", "1d")])
    func readsAndWrites(text: String, expected: String) throws {
        #expect(try #require(IdleLimit(text)).text == expected)
    }

    @Test(arguments: ["", "0", "-1", "10x", "m", "1 m", "366d", "99999999999999999999s", "٣s"])
    func refuses(text: String) {
        #expect(IdleLimit(text) == nil)
    }
}
