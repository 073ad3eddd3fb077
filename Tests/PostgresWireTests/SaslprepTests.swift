import Testing

@testable import PostgresWire

@Suite struct SaslprepTests {
    /// RFC 4013 §3.
    @Test(arguments: [
        ("I\u{AD}X", "IX"), ("user", "user"), ("USER", "USER"), ("\u{AA}", "a"), ("\u{2168}", "IX"), ("\u{07}", nil),
        ("\u{627}1", nil),
    ])
    func examples(_ text: String, _ prepared: String?) {
        #expect(Saslprep.prepared(text) == prepared)
    }

    @Test func more() {
        #expect(Saslprep.prepared("a\u{A0}b\u{3000}c") == "a b c")
        #expect(Saslprep.prepared("\u{AD}\u{200D}") == nil)
        #expect(Saslprep.prepared("\u{627}1\u{628}") == "\u{627}1\u{628}")
        #expect(Saslprep.prepared("\u{627}a\u{628}") == nil)
        // Unassigned in Unicode 3.2, private use, a language tag.
        for text in ["\u{221}", "\u{1F600}", "\u{E000}", "\u{E0001}"] { #expect(Saslprep.prepared(text) == nil) }
        // Swift holds strings equal that differ in bytes; the bytes count here.
        #expect(Array(Saslprep.prepared("e\u{301}")?.utf8 ?? "".utf8) == [0xC3, 0xA9])
    }

    /// As PostgreSQL: what can't be prepared is taken as it is.
    @Test func fallsBackToTheBytes() {
        for bytes: [UInt8] in [[0x07], [0xFF, 0x41], Array("\u{1F600}".utf8), Array("\u{627}1".utf8), Array("\u{AD}".utf8), []] {
            #expect(Saslprep.prepare(bytes) == bytes)
        }
        #expect(Saslprep.prepare(Array("I\u{AD}X\u{2168}".utf8)) == Array("IXIX".utf8))
    }
}
