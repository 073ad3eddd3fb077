import Testing

@testable import PostgresSession

/// When a statement is given a name, and for how long.
@Suite struct PreparedStatementsTests {
    private let start = ContinuousClock.now

    @Test func aNameComesWithTheSecondUseAndHoldsForAMoment() {
        var statements = PreparedStatements()
        let moment = PreparedStatements.freshness
        #expect(statements.way("a", start) == .new)
        statements.add("a", nil, start)
        #expect(statements.way("a", start + moment / 2) == .prepare)
        statements.add("a", "n", start + moment / 2)
        #expect(statements.way("a", start + moment) == .named("n"))
        // Used all the time, and outdated all the same.
        #expect(statements.way("a", start + moment * 3 / 2) == .prepare)
        #expect(statements.forget("a") == "n")
        // The server may refuse to prepare it anew: its old name must not be asked for again.
        #expect(statements.way("a", start + moment * 3 / 2) == .new)
    }

    @Test func whatIsAskedRarelyHasNoName() {
        var statements = PreparedStatements()
        statements.add("a", "n", start)
        #expect(statements.way("a", start + PreparedStatements.freshness) == .unnamed)
        #expect(statements.way("a", start + PreparedStatements.freshness * 3) == .unnamed)
    }

    @Test(arguments: [
        ("SELECT 1", true), (" \n insert into t values ($1)", true), ("WITH x AS (SELECT 1) DELETE FROM t", true), ("CALL p($1)", false),
        ("call p($1)", false), ("/* c */ CALL p($1)", false), ("-- c\nCALL p($1)", false), ("EXECUTE x($1)", false), ("", false),
    ])
    func onlyWhatCanNotCommitIsNamed(sql: String, expected: Bool) { #expect(PreparedStatements.mayBeNamed(sql) == expected) }
}
