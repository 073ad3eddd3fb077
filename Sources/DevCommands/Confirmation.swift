internal import Basics

/// The questions of `stop` and `rm`, as prisma dev asks them: on a terminal only, answered by a phrase. `y` and `yes` do as well.
enum Confirmation {
    static let interrupt = "i will interrupt sessions"
    static let lose = "i will lose local data"

    /// - Throws: `cancelled` when the answer is no, or there is none.
    static func ask(_ question: String, phrase: String, _ context: Context) throws(DevError) {
        // As prisma dev: what is not a terminal is a script, and it goes ahead.
        guard context.terminal.isOutput else { return }
        context.err(question + "\n")
        while true {
            context.err("Type \"\(phrase)\" or y: ")
            guard let answer = context.readLine() else {
                context.err("\n")
                throw aborted
            }
            let text = answer.trimmed.lowercased()
            if text.hasPrefix(phrase) || text == "y" || text == "yes" { return }
            if text == "n" || text == "no" || text == "q" { throw aborted }
        }
    }

    private static var aborted: DevError {
        DevError(.cancelled, "Aborted! Nothing was done", object: "confirmation", help: "Run it with --yes to go without this question")
    }
}
