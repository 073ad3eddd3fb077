import CommandLine
import Foundation
import Testing

@testable import DevCommands

/// A message that tells people to run a command which is then refused is worse than none: every `dev …` in a string of the
/// sources, and in the code of the pages, is one that the parser takes.
@Suite struct QuotedCommandTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `Commands in the texts of the program`() throws {
        var count = 0
        for case let file as URL in FileManager.default.enumerator(
            at: Self.package.appending(path: "Sources"), includingPropertiesForKeys: nil) ?? .init()
        where file.pathExtension == "swift" {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                for text in QuotedCommands.strings(in: String(line)) { count += check(text, file.lastPathComponent) }
            }
        }
        // Else the search itself is broken.
        #expect(count > 60)
    }

    @Test func `Commands in the code of the pages`() throws {
        var count = 0
        let pages = try FileManager.default.contentsOfDirectory(atPath: Self.package.appending(path: "docs").path)
            .filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }
        for page in pages + ["README.md", "CONTRIBUTING.md"] {
            let text = try String(contentsOf: Self.package.appending(path: page), encoding: .utf8)
            // Prose speaks of "`dev config set`" too.
            let codes = QuotedCommands.code(in: text).filter { $0.contains { !$0.isLetter && $0 != " " } }
            for code in codes { count += check(code, page) }
        }
        #expect(count >= 10)
    }

    private func check(_ text: String, _ place: String) -> Int {
        let commands = QuotedCommands.commands(in: text)
        for words in commands {
            #expect(throws: Never.self, "\(place): dev \(words.joined(separator: " "))") { _ = try Parser.parse(words, root: Program.root) }
        }
        return commands.count
    }

    @Test func `Finds what is wrong`() {
        #expect(QuotedCommands.strings(in: #"    help: "Run dev up \(name.map { "\($0)" }) now") // "dev x""#) == ["Run dev up 1 now"])
        #expect(QuotedCommands.commands(in: "Run dev config get password=… x") == [["config", "get", "password=…"]])
        #expect(throws: UsageError.self) { try Parser.parse(["config", "get"], root: Program.root) }
        #expect(
            QuotedCommands.commands(in: "Run dev up NAME --pg 1, or dev rm --force 1 to be rid of it (dev stop && dev up --db-port N)")
                == [["up", "1", "--pg", "1"], ["rm", "--force", "1"], ["stop"], ["up", "--db-port", "1"]])
        #expect(QuotedCommands.commands(in: "dev is 1; of prisma dev are; /dev/null") == [])
    }
}

enum QuotedCommands {
    /// The strings of a line of Swift, with a 1 in the place of each interpolation.
    static func strings(in line: String) -> [String] {
        var result: [String] = []
        var text: String?
        var rest = line[...]
        while let character = rest.popFirst() {
            if text == nil {
                if character == "/", rest.first == "/" { break }
                if character == "\"" { text = "" }
            } else if character == "\"" {
                result.append(text ?? "")
                text = nil
            } else if character == "\\" {
                guard rest.popFirst() == "(" else { continue }
                var depth = 1
                while depth > 0, let inner = rest.popFirst() { depth += inner == "(" ? 1 : inner == ")" ? -1 : 0 }
                text?.append("1")
            } else {
                text?.append(character)
            }
        }
        return result
    }

    /// What stands between backticks, and the lines of code blocks, in Markdown.
    static func code(in page: String) -> [String] {
        page.components(separatedBy: "```").enumerated().flatMap { index, part in
            index % 2 == 1
                ? part.split(separator: "\n").map { String($0.prefix { $0 != "#" }) }
                : part.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        }
    }

    /// The words behind each "dev" that begins a command in a text. The command ends where a sentence or a shell's word
    /// does, or where a word is neither a subcommand nor an option, a placeholder in capitals or what the command needs.
    static func commands(in text: String) -> [[String]] {
        var result: [[String]] = []
        let words = text.split { $0 == " " || $0 == "\n" }.map(String.init)
        for (index, word) in words.enumerated() {
            guard word.drop(while: { "\"'`($".contains($0) }) == "dev", index == 0 || words[index - 1] != "prisma" else { continue }
            if let command = command(words[(index + 1)...]) { result.append(command) }
        }
        return result
    }

    private static func command(_ words: ArraySlice<String>) -> [String]? {
        var path = [Program.root]
        var taken: [String] = []
        var needed = 0
        var needsValue = false
        for (index, word) in zip(words.indices, words) {
            let bare = String(word.prefix { !",;:)\"'`|".contains($0) }).trimmingCharacters(in: ["."])
            let isPlaceholder = !bare.isEmpty && bare.allSatisfy { $0.isUppercase || $0 == "…" || $0 == "_" }
            let precedesOption = index + 1 < words.endIndex && words[index + 1].hasPrefix("-") && word == bare
            if taken.contains("--") || needsValue {
                taken.append(isPlaceholder ? "1" : bare)
                needsValue = false
            } else if let next = path[path.count - 1].subcommand(bare), needed == 0 || path.count == 2 && taken.count == 1 {
                path.append(next)
                taken.append(bare)
                needed = next.positionals.filter { $0.arity == .one }.count
            } else if path.count == 1 {
                return nil
            } else if bare.hasPrefix("-") {
                taken.append(bare)
                needsValue = path.flatMap(\.options).contains { $0.value != nil && ["--" + $0.name, "-\($0.short ?? "-")"].contains(bare) }
            } else if bare == "1" || isPlaceholder || needed > 0 || precedesOption {
                taken.append(isPlaceholder ? "1" : bare)
                needed -= 1
            } else {
                break
            }
            if bare != word { break }
        }
        return taken.isEmpty ? nil : taken
    }
}
