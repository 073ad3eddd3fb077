import Basics
import ControlTestSupport
import DevAPI
import Foundation
import Testing

/// The program itself, against a fake daemon.
@Suite struct ProcessTests {
    private func stage() throws -> Stage { try Stage(Samples.instance(), Samples.instance("web", state: .stopped)) }

    private func shell(_ stage: Stage, _ script: String, shell: String = "/bin/sh") throws -> (Int32, String) {
        try Shell.run(
            "cd \(stage.directory) && " + script, shell: shell, environment: ["DEVDB_HOME": stage.daemon.layout.root, "dev": Shell.dev])
    }

    @Test func `It prints and exits`() throws {
        let stage = try stage()
        defer { stage.close() }
        #expect(try shell(stage, "\"$dev\" url") == (0, Samples.instance().url + "\n"))
        #expect(try shell(stage, "\"$dev\" url nope").0 == 3)
        #expect(try shell(stage, "\"$dev\" --nope").0 == 2)
        #expect(try shell(stage, "\"$dev\" stop '*' </dev/null") == (0, "Stopped app\n"))
        let request = try #require(stage.daemon.requests.first)
        #expect(try request.decode(SelectRequest.self).selection.directory == stage.directory)
    }

    @Test func `run becomes the command`() throws {
        let stage = try stage()
        defer { stage.close() }
        let script = "\"$dev\" run -- sh -c 'echo $PGPORT $DATABASE_URL; exit 7'"
        #expect(try shell(stage, script) == (7, "51214 \(Samples.instance().url)\n"))
        #expect(try shell(stage, "\"$dev\" run -- no-such-command").0 == 127)
        for (name, status) in [("./no-such-file", Int32(127)), ("/etc/passwd", 126), ("/tmp", 126), ("./plain", 126)] {
            let (ended, text) = try shell(stage, "touch plain; \"$dev\" run -- \(name)")
            #expect(
                ended == status
                    && text.contains(status == 126 ? "error[system]: \(name) can't be run: " : "error[not-found]: There is no command"),
                "\(name): \(text)")
        }
        // What the caller opened for the command is still open in it.
        #expect(try shell(stage, "\"$dev\" run -- sh -c 'cat <&7' 7<<X\nhello\nX\n") == (0, "hello\n"))
    }

    @Test func `Bytes that are not UTF-8 pass through, or are refused`() throws {
        let stage = try stage()
        defer { stage.close() }
        let script =
            "X=$(printf 'a\\377b\\303') \"$dev\" run -- sh -c 'printf %s \"$X$1\" | od -An -tx1' sh \"$(printf '\\200\\303\\244')\""
        #expect(try shell(stage, script) == (0, " 61 ff 62 c3 80 c3 a4\n"))
        let refused = try shell(stage, "\"$dev\" up --json \"$(printf 'x\\377')\"")
        #expect(refused.0 == 2 && refused.1.contains("\"code\":\"usage\"") && refused.1.contains("not UTF-8"), "\(refused)")
        let folder = try shell(stage, "mkdir \"$(printf 'x\\377')\" && cd x* && \"$dev\" url")
        #expect(folder.0 == 2 && folder.1.contains("The path of this folder is not UTF-8"), "\(folder)")
    }

    @Test func `A reader that leaves ends it quietly`() throws {
        let stage = try Stage { _ in (0..<5000).map { .log("line \($0)") } }
        defer { stage.close() }
        #expect(try shell(stage, "\"$dev\" logs | head -1") == (0, "line 0\n"))
    }

    @Test func `What can't be written is a failure`() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        let stage = try stage()
        defer { stage.close() }
        #expect(try shell(stage, "\"$dev\" url >/dev/full").0 == 1)
    }

    @Test func `Ctrl-C in the foreground stops the server`() throws {
        let stage = try Stage { request in
            switch request.path {
            case "up": [.result(Samples.instance())]
            case "logs": [.log("ready"), .untilClientLeaves]
            default: [.result([Samples.instance(state: .stopped)])]
            }
        }
        defer { stage.close() }
        // The reader of its output sends the signal when the log has begun.
        let script = """
            mkfifo out; "$dev" up --foreground >out & pid=$!
            while read -r line; do case $line in ready) kill -INT $pid;; esac; echo "$line"; done <out; wait $pid; echo "status $?"
            """
        let (_, output) = try shell(stage, "set -m; " + script, shell: "/bin/bash")
        #expect(output.contains("ready\napp has been stopped; its data stay\n") && output.hasSuffix("status 0\n"))
        #expect(stage.daemon.requests.map(\.path) == ["up", "logs", "stop"])
    }

    @Test func `bash completes commands, options and names`() throws {
        let stage = try stage()
        defer { stage.close() }
        func complete(_ words: String...) throws -> String {
            let list = words.map { "'\($0)'" }.joined(separator: " ")
            return try shell(
                stage,
                """
                PATH="$(dirname "$dev"):$PATH"; source <("$dev" completions bash)
                COMP_WORDS=(dev \(list)); COMP_CWORD=\(words.count); _dev_complete dev '\(words.last ?? "")' ''
                printf '%s ' "${COMPREPLY[@]}"
                """, shell: "/bin/bash"
            ).1.trimmingCharacters(in: .whitespaces)
        }
        #expect(try complete("da") == "daemon")
        #expect(try complete("daemon", "st") == "start stop status")
        #expect(try complete("up", "--prof") == "--profile")
        #expect(try complete("up", "--profile", "=", "") == "durable ephemeral")
        #expect(try complete("url", "") == "app web")
        #expect(try complete("rm", "app,w") == "app,web")
        try "x".write(toFile: stage.directory + "/file.env", atomically: true, encoding: .utf8)
        #expect(try complete("env", "--write", "fi") == "file.env")
    }
}
