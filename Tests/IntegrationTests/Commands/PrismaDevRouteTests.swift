import Foundation
import TestSupport
import Testing

/// prisma dev's own routes beside its protocols, on the daemon's port and on an instance's own.
@Suite struct PrismaDevRouteTests {
    @Test func healthAndDump() async throws {
        try await DaemonFixture.run { fixture in
            let main = try await fixture.facts("up", "--db-port", "0", "--shadow-db-port", "0")
            let own = try await fixture.facts("up", "own", "--port", "\(FreePort.find())", "--db-port", "0", "--shadow-db-port", "0")
            let (url, ownURL) = (try main.text("httpUrl"), try own.text("httpUrl"))
            #expect(url != ownURL)
            #expect(try await curl(url + "/health") == "{\"name\":\"default\"} 200")
            #expect(try await curl(ownURL + "/health") == "{\"name\":\"own\"} 200")

            try await fixture.psql(main.text("url"), "create table thing (id int primary key); insert into thing values (4711)")
            try await fixture.psql(own.text("url"), "create table other (id int primary key)")
            // It sleeps, and is woken for it. Two at once are one.
            try await fixture.done("stop", "default", "--yes")
            async let first = curl("-X", "POST", url + "/database/dump")
            let second = try await curl("-X", "POST", url + "/database/dump")
            #expect(try await first == second && second.hasSuffix(" 201"))
            let answer = try #require(try JSONSerialization.jsonObject(with: Data(second.dropLast(4).utf8)) as? [String: String])
            let path = try #require(answer["dumpPath"])
            let sql = try String(contentsOfFile: path, encoding: .utf8)
            #expect(sql.contains("CREATE TABLE public.thing") && !sql.contains("4711") && !sql.contains("OWNER TO"))
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.home).filter { $0.hasPrefix(".dump") } == [])
            // An instance's own port is that instance's.
            let ownAnswer = try await curl("-X", "POST", ownURL + "/database/dump")
            let ownPath = try #require(ownAnswer.split(separator: "\"").first { $0.hasPrefix("/") })
            #expect(try String(contentsOfFile: String(ownPath), encoding: .utf8).contains("CREATE TABLE public.other"))
            #expect(try await curl("-H", "Authorization: Bearer \(key(main))", ownURL + "/connection-info").hasSuffix(" 401"))
            #expect(try await curl("-H", "Authorization: Bearer \(key(own))", ownURL + "/connection-info").hasSuffix(" 200"))

            #expect(try await curl(url + "/database/dump") == "404 Not Found 404")
            #expect(try await curl("-X", "POST", "-H", "Origin: https://evil.example", url + "/database/dump").hasSuffix(" 403"))
            try await fixture.done("rm", "default", "--force")
            #expect(try await curl("-X", "POST", url + "/database/dump") == "{\"error\":\"There is no instance default\"} 404")
        }
    }

    private func key(_ facts: [String: Any]) throws -> String {
        String(try facts.text("prismaPostgresUrl").split(separator: "=", maxSplits: 1).last ?? "")
    }

    /// Body and status.
    private func curl(_ arguments: String...) async throws -> String {
        try await Command.run("curl", ["-sg", "-w", " %{http_code}"] + arguments).output
    }
}
