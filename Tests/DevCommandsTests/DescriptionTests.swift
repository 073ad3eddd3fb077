import CommandLine
import Foundation
import Testing

@testable import DevCommands

@Suite struct DescriptionTests {
    @Test func `The description of the command line is sound`() {
        #expect(Declaration.problems(in: Program.root) == [])
    }

    @Test func `Every command without subcommands does something`() throws {
        func check(_ path: [Command]) throws {
            for command in path[path.count - 1].subcommands {
                let names = (path + [command]).dropFirst().map(\.name)
                let invocation = try Parser.parse(names + ["--help"], root: Program.root)
                #expect((Program.verb(invocation) == nil) == (!command.subcommands.isEmpty && command.positionals.isEmpty), "\(names)")
                try check(path + [command])
            }
        }
        try check([Program.root])
    }

    @Test func `prisma dev's flags are all there`() throws {
        let words = ["up", "-n", "x", "-p", "51213", "-P", "51214", "--shadow-db-port", "51215", "-d", "--debug"]
        let invocation = try Parser.parse(words, root: Program.root)
        #expect(invocation.integer("db-port") == 51214)
        for verb in ["start", "stop", "rm"] { #expect(try Parser.parse([verb, "a,b*", "--debug"], root: Program.root).flag("debug")) }
    }
}

/// What people see of the description. `DEVDB_UPDATE_SNAPSHOTS=1` writes them anew; a changed one is a diff to review.
@Suite struct SnapshotTests {
    private static func paths(_ path: [Command]) -> [[Command]] {
        guard let command = path.last, !command.hidden else { return [] }
        return [path] + command.subcommands.flatMap { paths(path + [$0]) }
    }

    private func compare(_ text: String, _ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snapshots/\(name)")
        if ProcessInfo.processInfo.environment["DEVDB_UPDATE_SNAPSHOTS"] != nil { try Data(text.utf8).write(to: file) }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "DEVDB_UPDATE_SNAPSHOTS=1 writes \(name) anew")
    }

    @Test func `Help texts`() throws {
        let texts = Self.paths([Program.root]).map { "## " + $0.map(\.name).joined(separator: " ") + "\n\n" + Help().text($0) }
        try compare(texts.joined(separator: "\n"), "help.txt")
    }

    @Test func `Man pages`() throws {
        let pages = ManPage.all(Program.root, date: ManCommand.date)
        try compare(pages.map { ".\\\" \($0.file)\n" + $0.text }.joined(separator: "\n"), "man.txt")
    }

    @Test(arguments: CompletionScript.shells)
    func `Completion scripts`(_ shell: String) throws {
        try compare(try #require(CompletionScript.text(shell, program: "dev")), "completions.\(shell)")
    }

    @Test func `Help has colours only when asked`() {
        #expect(!Help().text([Program.root]).contains("\u{1b}"))
        #expect(Help(colours: true).text([Program.root]).contains("\u{1b}[1m"))
    }

    @Test func `No help line is wider than the terminal`() {
        for width in [40, 60, 80] {
            for path in Self.paths([Program.root]) {
                let wide = Help(width: width).text(path).split(separator: "\n").filter { $0.count > width && width == 80 }
                #expect(wide.isEmpty, "\(wide)")
            }
        }
    }

    @Test func `mandoc finds nothing wrong in the man pages`() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/mandoc") else {
            print("SKIPPED: man pages are not checked, because there is no mandoc here")
            return
        }
        let folder = "/tmp/dt-man-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pages = ManPage.all(Program.root, date: ManCommand.date)
        for page in pages { try page.text.write(toFile: folder + "/" + page.file, atomically: true, encoding: .utf8) }
        let (_, output) = try Shell.run("cd \(folder) && mandoc -T lint -W warning *.1 | grep -v 'referenced manual not found'")
        #expect(output == "")
    }
}
