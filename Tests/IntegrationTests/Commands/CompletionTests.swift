import Foundation
import TestSupport
import Testing

/// The completion scripts in the shells that they are for, with a real daemon to ask for names.
@Suite struct CompletionTests {
    private struct Shell {
        var program: String
        var arguments: [String]
        var prompt: String
        /// Loads the script and sets a prompt that nothing else prints.
        var setup: String
    }

    private static let shells = [
        Shell(program: "bash", arguments: ["--norc", "-i"], prompt: "ready> ", setup: "source <(dev completions bash); PS1='rea''dy> '\n"),
        Shell(
            program: "zsh", arguments: ["-f", "-i"], prompt: "ready> ",
            setup: "autoload -U compinit; compinit -u -D; source <(dev completions zsh); PS1='rea''dy> '\n"),
    ]

    @Test(arguments: ["bash", "zsh"]) func theTabKey(_ name: String) async throws {
        guard let shell = Self.shells.first(where: { $0.program == name }), try await Self.has(name) else {
            return print("*** SKIPPED: completions in \(name), which is not here")
        }
        try await DaemonFixture.run { fixture in
            try await fixture.up("web")
            let path = "\(DaemonFixture.programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
            let typed = try Conversation(
                shell.program, shell.arguments, environment: fixture.environment.merging(["PATH": path, "HISTFILE": ""]) { $1 })
            typed.say(shell.setup)
            try await typed.hear(shell.prompt)
            // Each line is completed by a tab and then run as a word for echo, which tells what it became.
            for (line, completed) in [
                ("dev dae", "dev daemon"), ("dev up --prof", "dev up --profile"), ("dev url w", "dev url web"),
                ("dev rm web,w", "dev rm web,web"), ("dev env --write /etc/hostn", "dev env --write /etc/hostname"),
                ("dev run -- ls /etc/hostn", "dev run -- ls /etc/hostname"),
            ] {
                typed.say(line + "\t\u{1}echo 'is: '\n")
                let said = try await typed.hear(shell.prompt)
                #expect(said.contains("is: \(completed)"), "\(line): \(said)")
            }
            typed.say("exit\n")
            #expect(try await typed.end().status == 0)
        }
    }

    @Test func fishIsTold() async throws {
        guard try await Self.has("fish") else { return print("*** SKIPPED: completions in fish, which is not here") }
        try await DaemonFixture.run { fixture in
            try await fixture.up("web")
            let path = "\(DaemonFixture.programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
            for (line, candidate) in [
                ("dev dae", "daemon\tStart, stop or look at the daemon"), ("dev up --profile ", "durable\nephemeral"),
                ("dev up --profile=d", "--profile=durable"), ("dev url ", "web\trunning"), ("dev rm web,w", "web,web\trunning"),
                ("dev env --write /etc/hostn", "/etc/hostname"), ("dev run -- ls /etc/hostn", "/etc/hostname"),
            ] {
                let result = try await Command.run(
                    "fish", ["--no-config", "-c", "dev completions fish | source; complete -C '\(line)'"],
                    environment: fixture.environment.merging(["PATH": path]) { $1 })
                #expect(result.output.hasPrefix(candidate), "\(line): \(result)")
            }
        }
    }

    private static func has(_ program: String) async throws -> Bool {
        try await Command.run("/bin/sh", ["-c", "command -v \(program)"]).status == 0
    }
}
