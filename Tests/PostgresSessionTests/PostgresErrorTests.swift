import Basics
import Testing

@testable import PostgresSession

@Suite struct PostgresErrorTests {
    @Test func readsTheCodeOutOfLibpqsWords() {
        let error = PostgresError(
            connectionText: """
                connection to server on socket "/tmp/x/.s.PGSQL.5432" failed: FATAL:  53300: sorry, too many clients already
                DETAIL:  all are taken
                HINT:  come back later
                LOCATION:  InitProcess, proc.c:363

                """)
        #expect(error.sqlState == "53300" && error.kind == .server)
        #expect(error.message == "sorry, too many clients already")
        #expect(error.detail == "all are taken" && error.hint == "come back later")
        let german = PostgresError(connectionText: "Verbindung … fehlgeschlagen: FATAL:  57P03: das Datenbanksystem startet")
        #expect(german.sqlState == "57P03")
    }

    @Test(arguments: ["", "\n", "connection to server failed: No such file or directory\n\tIs it running?", ":  57P0", ":  57p03: x"])
    func otherwiseThereIsNone(_ text: String) {
        let error = PostgresError(connectionText: text)
        #expect(error.sqlState == nil && error.kind == .connection && !error.message.isEmpty)
    }

    @Test func becomesAnErrorForPeople() {
        var error = PostgresError(sqlState: "23505", message: "duplicate key", detail: "Key (email)=(a@b) exists")
        #expect(error.devError(object: "app").code == .postgres)
        #expect(!error.devError(object: "app").description.contains("a@b"))
        error.kind = .timedOut
        #expect(error.devError(object: "app").code == .timedOut)
    }
}
