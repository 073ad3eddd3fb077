import HTTPWire
import Testing

@Suite struct HeadersTests {
    @Test func orderedAndLowerCase() {
        var headers: Headers = Headers(["Accept": " a/b ", "X-Two": "1", "x-two": "2"])
        #expect(headers.fields.map(\.name) == ["accept", "x-two", "x-two"])
        #expect(headers["accept"] == "a/b")
        #expect(headers.values("x-two") == ["1", "2"])
        headers.set("x-TWO", "3")
        #expect(headers.values("x-two") == ["3"])
        headers.remove("accept")
        #expect(headers.fields.count == 1)
    }

    @Test(arguments: [("", "x"), ("a b", "x"), ("a:", "x"), ("a\r", "x"), ("ä", "x"), ("a", "x\r\ny"), ("a", "\0"), ("a", "\u{7F}")])
    func illegalIsRefused(_ name: String, _ value: String) {
        var headers = Headers()
        let taken = [headers.append(name, value), headers.set(name, value)]
        #expect(taken == [false, false])
        #expect(headers.isEmpty)
    }

    @Test func oneListOfSeveralFields() {
        let headers = Headers(["X-List": "a", "Other": "o", "x-list": "b, c"])
        #expect(headers.list("x-list") == "a, b, c" && headers.list("other") == "o" && headers.list("none") == nil)
    }

    @Test func tokens() {
        let headers = Headers(["Connection": "Keep-Alive, , Upgrade", "connection": "X"])
        #expect(headers.tokens("connection") == ["keep-alive", "upgrade", "x"])
    }
}
