import Basics
import Foundation
import Testing

@Suite struct Base64Tests {
    @Test func encodesAndDecodesEveryLength() {
        for length in 0...40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
            let expected = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == Array(expected.utf8))
            #expect(
                Base64.urlEncode(bytes)
                    == expected.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
            #expect(Base64.decodeStrict(expected.utf8) == bytes)
            #expect(Base64.decode(expected.utf8) == bytes && Base64.decode(Base64.urlEncode(bytes).utf8) == bytes)
        }
    }

    @Test(arguments: ["Zg=", "Z===", "=Zg=", "Zg==Zg==", "Z g=", "Zm9v\n", "Zg", "____", "===="])
    func strictIsStrict(text: String) { #expect(Base64.decodeStrict(text.utf8) == nil) }

    @Test func lenientIsAsNode() {
        #expect(Base64.decode("Zm 9v\n".utf8) == Array("foo".utf8))
        #expect(Base64.decode("Zg==Zg==".utf8) == Array("f".utf8))
        #expect(Base64.decode("Z".utf8) == [])
    }
}
