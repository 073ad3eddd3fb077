import Basics
import DevServer
import Testing

@Suite struct ProjectFileTests {
    private func read(_ text: String) throws(DevError) -> ProjectFile { try ProjectFile(Array(text.utf8), path: "/p/dev.toml") }

    @Test func readsEveryKey() throws {
        let file = try read(
            """
            name = "shop"
            pg = "15"
            idle = "30s"
            profile = "ephemeral"
            password = "pässwort"
            extensions = ["pg_trgm", "vector"]
            [settings]
            work_mem = "64MB"
            max_connections = 40
            random_page_cost = 1.1
            log_connections = true
            fsync = false
            auto_explain.log_min_duration = 5
            "pg_stat_statements.max" = 100
            [limits]
            queryTimeout = "10s"
            connections = 5
            """)
        #expect(file.http == ["limits.queryTimeout": "10s", "limits.connections": "5"])
        #expect(file.name?.text == "shop")
        #expect(file.pg == "15")
        #expect(file.idle == .seconds(30))
        #expect(file.profile == "ephemeral")
        #expect(file.password?.reveal() == "pässwort")
        #expect(file.extensions == ["pg_trgm", "vector"])
        #expect(
            file.settings == [
                "work_mem": "64MB", "max_connections": "40", "random_page_cost": "1.1", "log_connections": "on", "fsync": "off",
                "auto_explain.log_min_duration": "5", "pg_stat_statements.max": "100",
            ])
    }

    @Test func emptyFileSaysNothing() throws {
        let file = try read("# nothing\n")
        #expect(file.name == nil && file.pg == nil && file.extensions == nil && file.settings.isEmpty)
    }

    @Test(arguments: [
        ("idel = \"10m\"", "1:1", "unknown key \"idel\""),
        ("pg = \"15\"\n  nmae = \"x\"", "2:3", "unknown key \"nmae\""),
        ("name = 5", "1:1", "name is a string"),
        ("name = \"a b\"", "1:1", "can't be a name"),
        ("[name]\nx = 1", "1:2", "name is a string, not a table"),
        ("pg = \"fifteen\"", "1:1", "major version"),
        ("idle = \"10 m\"", "1:1", "idle is never"),
        ("idle = 1.5", "1:1", "idle is a string, not a number"),
        ("profile = \"fast\"", "1:1", "durable or ephemeral"),
        ("password = \"\"", "1:1", "password"),
        ("extensions = \"vector\"", "1:1", "extensions is a list"),
        ("extensions = [1]", "1:15", "extensions is a list"),
        ("settings = 1", "1:1", "settings is a table"),
        ("[settings]\nwork_mem = [1]", "2:1", "work_mem"),
        ("[settings]\nwork_mem = 2020-01-01", "2:1", "a date"),
        ("[settings]\n\"a b\" = 1", "2:1", "no name of a PostgreSQL setting"),
        ("[settings]\na = \"x\\ny\"", "2:1", "control character"),
        ("[settings]\n  port = 1", "2:3", "The server setting port is devdb's own"),
        ("limits = 1", "1:1", "limits is a table"),
        ("[limits]\nqueryTime = 1", "2:1", "unknown key \"limits.queryTime\""),
        ("[limits]\nqueryTimeout = 10", "2:1", "limits.queryTimeout is a time such as"),
        ("[limits]\nconnections = [1]", "2:1", "limits.connections is a string or a number"),
        ("name = \"x", "1:", ""),
        ("name = \"x\"\nname = \"y\"", "2:", ""),
        ("\u{fffe}=", "1:", ""),
    ])
    func refusesWithThePlace(text: String, place: String, part: String) {
        #expect {
            _ = try read(text)
        } throws: { error in
            guard let error = error as? DevError else { return false }
            return error.code == .badConfiguration && error.message.hasPrefix("/p/dev.toml:\(place)") && error.message.contains(part)
        }
    }

    @Test func suggestsTheNearestKey() {
        #expect(throws: DevError.self) { _ = try read("idel = 1") }
        do {
            _ = try read("setting = 1")
        } catch {
            #expect(error.help == "Did you mean settings")
        }
        for text in ["[foo]", "xx = 1", "db = 1"] {
            #expect { _ = try read(text) } throws: { ($0 as? DevError)?.help?.hasPrefix("The keys are name, pg, ") == true }
        }
    }

    @Test func survivesAnyBytes() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? ProjectFile(bytes, path: "/x")
        }
        _ = try? read(String(repeating: "[", count: 100_000))
        _ = try? read("a = " + String(repeating: "[", count: 100_000))
        _ = try? read("a." + String(repeating: "a.", count: 50_000) + "b = 1")
    }
}
