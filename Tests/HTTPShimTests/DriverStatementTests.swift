import Basics
import PostgresSession
import Testing
import WireTestSupport

@testable import HTTPShim

/// What the serverless drivers send, and what only looks like it.
@Suite struct DriverStatementTests {
    private static let type = "multipart/form-data; profile=\"urn:prisma:query\"; boundary=----B1"

    private func body(_ descriptor: String, _ values: [(String, String)] = [], end: String = "------B1--\r\n") -> [UInt8] {
        var text = "------B1\r\nContent-Disposition: form-data; name=\"urn:prisma:query:descriptor\"\r\n"
        text += "Content-Type: application/json; profile=\"urn:prisma:query:descriptor\"\r\n\r\n\(descriptor)\r\n"
        for (kind, value) in values {
            text +=
                "------B1\r\nContent-Disposition: form-data; name=\"urn:prisma:query:param:\(kind)\"\r\nContent-Type: x/y\r\n\r\n\(value)\r\n"
        }
        return Array((text + end).utf8)
    }

    @Test func valuesAreCutByTheirSize() throws {
        // One that looks like the end.
        let value = "a\r\n------B1--\r\n\r\n"
        let descriptor = """
            {"query":"select $1","parameters":[{"type":"text","value":"é"},{"type":"binary","byteSize":\(value.utf8.count)},\
            {"type":"text","value":null},{"type":"binary","value":"AP8="},{"type":"text","byteSize":2}]}
            """
        let statement = try MultipartStatement.read(body(descriptor, [("binary", value), ("text", "zz")]), contentType: Self.type)
        #expect(!statement.isExec && statement.sql == "select $1")
        #expect(
            statement.slots == [.text(Array("é".utf8)), .binary(Array(value.utf8)), .null, .binary([0, 255]), .text(Array("zz".utf8))])
        #expect(try MultipartStatement.read(body("{\"exec\":\"x\"}"), contentType: Self.type).isExec)
    }

    @Test(
        arguments: [
            ("{\"query\":\"\",\"exec\":\"\"}", []), ("{}", []), ("[]", []), ("{\"query\":1}", []),
            ("{\"query\":\"x\",\"parameters\":{}}", []),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\"}]}", []), ("{\"query\":\"x\",\"parameters\":[1]}", []),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"json\",\"value\":\"\"}]}", []),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"value\":\"\",\"byteSize\":1}]}", []),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":-1}]}", []),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":9223372036854775807}]}", [("text", "a")]),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":2}]}", [("text", "abc")]),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":1}]}", [("binary", "a")]),
            ("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":1}]}", []), ("{\"query\":\"x\"}", [("text", "a")]),
        ] as [(String, [(String, String)])])
    func othersAreRefused(descriptor: String, values: [(String, String)]) {
        #expect(throws: DriverStatement.Malformed.self) {
            try MultipartStatement.read(body(descriptor, values), contentType: Self.type)
        }
    }

    @Test func everyTornBodyIsRefused() throws {
        let whole = body("{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"byteSize\":3}]}", [("text", "abc")], end: "------B1--")
        _ = try MultipartStatement.read(whole, contentType: Self.type)
        for count in 0..<whole.count {
            #expect(throws: DriverStatement.Malformed.self) { try MultipartStatement.read(Array(whole[..<count]), contentType: Self.type) }
        }
        // Any byte changed: an answer, whatever it is.
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1
            _ = try? MultipartStatement.read(changed, contentType: Self.type)
        }
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=a", "a"), ("Multipart/Form-Data;profile=\"x; boundary=no\" ; Boundary=\"b c\"", "b c"),
        ("multipart/form-data", nil), ("multipart/form-data; boundary=", nil), ("text/plain; boundary=a", nil), ("", nil), ("\";", nil),
    ])
    func boundaries(type: String, boundary: String?) { #expect(MultipartStatement.boundary(type) == boundary) }

    @Test func textsWithZerosAreRefusedAsPostgreSQLDoes() throws {
        for descriptor in ["{\"query\":\"a\\u0000\"}", "{\"query\":\"x\",\"parameters\":[{\"type\":\"text\",\"value\":\"\\u0000\"}]}"] {
            let statement = try DriverStatement(Array(descriptor.utf8))
            let error = #expect(throws: PostgresError.self) { try statement.parameters() }
            #expect(error?.sqlState == "22021")
        }
    }

    /// The fuzzer's seeds and findings again (`make fuzz`).
    @Test func everyInputIsAnswered() throws {
        let inputs = FuzzInputs.all("statement")
        #expect(inputs.count > 5)
        for (name, bytes) in inputs { #expect(throws: Never.self, "\(name)") { try checkStatement(bytes) } }
    }

    // MARK: Access

    @Test func credentialsAreTakenAsTheyAreAndDecoded() throws {
        func access(_ text: String) throws -> DriverAccess {
            try #require(DriverAccess(header: "Basic \(String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self))"))
        }
        let coded = try access("sh%6Fp:p%40ss%3aw")
        #expect(
            coded.name?.text == "shop" && coded.proves(Secret("p@ss:w")) && !coded.proves(Secret("p@ss:x"))
                && coded.proves(Secret("p%40ss%3aw")))
        let plain = try access("shop:50%:x")
        #expect(plain.proves(Secret("50%:x")) && !plain.proves(Secret("50")) && !plain.proves(Secret("")))
        // btoa's Latin-1.
        let latin = try #require(DriverAccess(header: "basic \(String(decoding: Base64.encode([0x61, 0x3A, 0xE9]), as: UTF8.self))"))
        #expect(latin.proves(Secret("é")))
        for header in [nil, "", "Basic", "Bearer eDp5", "Basic eA==", "Basic eDp5 z"] { #expect(DriverAccess(header: header)?.user == nil) }
        #expect(DriverAccess(message: Array("{\"username\":\"a\",\"password\":\"b\"}".utf8))?.proves(Secret("b")) == true)
        for message in ["", "{}", "[]", "{\"username\":\"a\"}", "{\"username\":1,\"password\":\"\"}"] {
            #expect(DriverAccess(message: Array(message.utf8))?.user == nil)
        }
        #expect(try access("%zz:x").name == nil && access("a/b:x").name == nil)
    }

    // MARK: Values

    @Test(arguments: [
        ("UPDATE 3", "3"), ("INSERT 0 2", "2"), ("BEGIN", "0"), ("CREATE TABLE", "0"), ("", "0"),
        ("SELECT 18446744073709551615", "18446744073709551615"),
    ])
    func rowCounts(tag: String, count: String) { #expect(CommandTag.count(tag) == count) }

    @Test(arguments: [
        ("\\x", ""), ("\\x00ff", "AP8="), ("", ""), ("a\\\\b", "YVxi"), ("\\000\\377", "AP8="), ("\\", "XA=="), ("\\9", "XDk="),
        ("\\xzz", "XHh6eg=="),
    ])
    func byteaIsBase64(text: String, base64: String) {
        var writer = JSONWriter()
        Array(text.utf8).withUnsafeBytes { writer.base64(ofBytea: $0) }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\"\(base64)\"")
    }
}
