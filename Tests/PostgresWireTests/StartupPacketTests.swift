import PostgresWire
import Testing
import WireTestSupport

@Suite struct StartupPacketTests {
    @Test func orderAndDuplicatesAreKept() throws {
        let packet = StartupPacket(
            user: "ada", [.init("application_name", "a"), .init("search_path", "x"), .init("application_name", "b")], minorVersion: 2)
        #expect(try decodedEveryWay(packet.encoded(), StartupCodec.init) == [.request(.startup(packet), length: packet.encoded().count)])
        #expect(packet["application_name"] == "b")
        #expect(packet.needsNegotiation)
    }

    @Test func databaseDefaultsToUser() {
        #expect(StartupPacket(user: "ada").database == "ada")
        #expect(StartupPacket(user: "ada", database: "").database == "ada")
        #expect(StartupPacket(user: "ada", database: "app").database == "app")
    }

    @Test func bytesThatAreNotUTF8PassUnchanged() throws {
        let packet = StartupPacket(user: WireText([0xE4, 0x64, 0x61]), database: WireText([0xFF, 0xFE]))
        guard case .request(.startup(let read), _) = try decodedEveryWay(packet.encoded(), StartupCodec.init).first else {
            Issue.record("not read")
            return
        }
        #expect(read.encoded() == packet.encoded())
    }

    @Test func databaseIsReplacedInItsPlace() {
        var packet = StartupPacket(user: "ada", database: "template1", [.init("options", "-c geqo=off"), .init("database", "x")])
        packet.setDatabase("postgres")
        #expect(packet.parameters.map(\.name.string) == ["user", "database", "options"])
        #expect(packet.database == "postgres")
        var bare = StartupPacket(user: "ada")
        bare.setDatabase("postgres")
        #expect(bare.parameters.map(\.name.string) == ["user", "database"])
    }

    @Test func onlyForeignParametersAreDropped() {
        let kept = [
            "statement_timeout", "application_name", "search_path", "options", "client_encoding", "tcp_user_timeout", "_pq_.x",
            "myapp.schema", "TimeZone", "replication",
        ]
        let foreign = [
            "connection_limit", "connect_timeout", "max_idle_connection_lifetime", "pool_timeout", "socket_timeout",
            "single_use_connections", "schema", "pgbouncer", "sslmode", "Schema",
        ]
        var packet = StartupPacket(user: "ada", (foreign + kept).map { .init(WireText($0), "1") })
        #expect(packet.dropForeignParameters() == foreign)
        #expect(packet.parameters.map(\.name.string) == ["user"] + kept)
    }

    @Test func lengthIsBounded() {
        // 8 of header, "user\0a\0" 7, "x\0…\0" 3, terminator 1.
        let room = StartupReader.maximumLength - 19
        func packet(_ count: Int) -> StartupPacket {
            StartupPacket(user: "a", [.init("x", WireText(String(repeating: "v", count: count)))])
        }
        #expect(packet(room).encoded().count == 10_004)
        #expect(!packet(room).isTooLong)
        #expect(packet(room + 1).isTooLong)
    }

    @Test func namesAreCutAsPostgreSQLCuts() {
        let long = String(repeating: "n", count: 70)
        #expect(WireText(long).name.bytes.count == 63)
    }

    @Test func plainPacketsAreRenamedInOneGo() {
        func packet(_ database: WireText) -> [UInt8] {
            StartupPacket(user: "ada", database: database, [.init("client_encoding", "UTF8")]).encoded()
        }
        #expect(StartupPacket.renamingPlain(packet("x") + [1, 2], "x", to: "longer") == packet("longer") + [1, 2])
        #expect(StartupPacket.renamingPlain(packet("other") + [1, 2], "x", to: "longer") == packet("other") + [1, 2])
        for count in 0..<packet("x").count { #expect(StartupPacket.renamingPlain(Array(packet("x")[..<count]), "x", to: "y") == nil) }
        for other in [
            StartupPacket(user: "ada"), StartupPacket(user: "ada", database: "x", [.init("schema", "x")]),
            StartupPacket(user: "ada", database: "x", replication: .logical), StartupPacket(user: "", database: "x"),
            StartupPacket(user: "ada", database: "x", [.init("database", "y")]),
            StartupPacket(user: "ada", database: "x", minorVersion: 2),
        ] {
            #expect(StartupPacket.renamingPlain(other.encoded(), "x", to: "y") == nil)
        }
    }
}
