import Basics
import Foundation
import Testing

@testable import DevServer

@Suite struct ConnectionURLsTests {
    private func urls(_ password: String) throws -> ConnectionURLs {
        ConnectionURLs(name: try InstanceName("shop"), password: Secret(password), port: 51217, shadowPort: 51218, httpPort: 51213)
    }

    @Test func formsArePrismaDevs() throws {
        let urls = try urls("postgres")
        #expect(urls.plain == "postgres://postgres:postgres@localhost:51217/template1?sslmode=disable")
        #expect(
            urls.prisma
                == "postgres://postgres:postgres@localhost:51217/template1?sslmode=disable&connection_limit=10&connect_timeout=0&max_idle_connection_lifetime=0&pool_timeout=0&socket_timeout=0"
        )
        #expect(urls.shadow == "postgres://postgres:postgres@localhost:51218/template1?sslmode=disable")
        #expect(urls.http == "http://localhost:51213")
        #expect(urls.prismaPostgres.hasPrefix("prisma+postgres://localhost:51213/?api_key="))
    }

    /// As strict as the schema engine: unpadded base64url, no escapes in the JSON, both fields there, order by name.
    @Test(arguments: ["postgres", "ä/\\\"%?@ :#", "x"])
    func keyDecodesStrictly(password: String) throws {
        let urls = try urls(password)
        let key = try #require(urls.prismaPostgres.split(separator: "=", maxSplits: 1).last)
        #expect(
            key.utf8.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5a) || ($0 >= 0x61 && $0 <= 0x7a) || $0 == 0x2d || $0 == 0x5f
            })
        var base64 = String(key).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
        let json = try #require(Data(base64Encoded: base64))
        let text = String(decoding: json, as: UTF8.self)
        #expect(!text.contains("\\") && !text.contains(" "))
        #expect(text.hasPrefix("{\"databaseUrl\":"))
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: String])
        #expect(object == ["databaseUrl": urls.prisma, "name": "shop", "shadowDatabaseUrl": urls.prismaShadow])
        #expect(URLComponents(string: urls.plain)?.password == password)
    }
}
