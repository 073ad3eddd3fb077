import Basics
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("app", "app"), ("*", ""), ("*", "anything"), ("app*", "app"), ("app--*", "app--feature"), ("*--x", "a--b--x"),
        ("a?c", "abc"), ("[ab]1", "b1"), ("[!ab]1", "c1"), ("[a-c]x", "bx"), ("a[", "a["), ("\\*", "*"), ("*a*b*", "xxaxxbxx"),
        ("[]]", "]"), ("**", "q"),
    ])
    func `A pattern matches the whole text`(_ pattern: String, _ text: String) {
        #expect(Glob(pattern).matches(text))
    }

    @Test(arguments: [
        ("app", "app2"), ("app", "ap"), ("", "a"), ("a?c", "ac"), ("[ab]1", "c1"), ("[!ab]1", "a1"), ("[a-c]x", "dx"), ("*a", "ab"),
        ("\\*", "x"), ("App", "app"),
    ])
    func `Other texts don't match`(_ pattern: String, _ text: String) {
        #expect(!Glob(pattern).matches(text))
    }

    @Test func `A name is told from a pattern`() {
        #expect(Glob("my-app_1").isLiteral)
        #expect(Glob("").isLiteral)
        #expect(!Glob("my*").isLiteral)
        #expect(!Glob("[a]").isLiteral)
        #expect(Glob("[a").isLiteral)
    }

    @Test func `Many stars don't take long`() {
        let pattern = String(repeating: "*a", count: 500) + "b"
        #expect(!Glob(pattern).matches(String(repeating: "a", count: 2000)))
    }
}
