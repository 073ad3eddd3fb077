internal import Basics
internal import CommandLine
internal import DevAPI

/// `dev doctor`.
enum DoctorCommand {
    static let description = Command(
        "doctor", abstract: "Tell what was found on this machine and what is wrong",
        discussion: ["Exit status 1 when something is wrong."],
        examples: [Example("dev doctor", "PostgreSQL versions, the home, the daemon")], options: [Naming.json])

    private struct Nothing: Encodable {}

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts: DoctorFacts = try context.call("doctor", Nothing())
        if invocation.flag("json") {
            try context.printJSON(facts)
        } else {
            context.out(text(facts, colours: context.coloursOutput))
        }
        return facts.checks.allSatisfy(\.ok) ? 0 : 1
    }

    static func text(_ facts: DoctorFacts, colours: Bool) -> String {
        var text = ""
        if facts.toolchains.isEmpty {
            text += "No PostgreSQL was found.\n"
        } else {
            let rows = facts.toolchains.map { toolchain in
                [toolchain.version + (toolchain.isDefault ? " *" : ""), toolchain.bin, toolchain.problem ?? "found by \(toolchain.source)"]
            }
            text += Table.text(["POSTGRES", "PROGRAMS", ""], rows, colours: colours)
        }
        text += "\nInstall PostgreSQL: \(facts.installCommand)\n\n"
        for check in facts.checks {
            text += "\(check.ok ? "✔" : "✘") \(check.name): \(check.text)\n"
            if !check.ok, let help = check.help { text += "  \(help)\n" }
        }
        return text
    }
}
