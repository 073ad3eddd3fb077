import Basics
import ControlTestSupport
import DevAPI
import Foundation
import Testing

@testable import DevCommands

private let nasty = [
    "plain", "", "with space", "a'b", "a\"b", "$HOME", "`id`", "back\\slash", "a'b\"c$d`e\\f", "#hash", "a # b", "ünïcödé ✔", "!bang",
    "a=b&c?d", "~", "*",
    "-n", "'", "\"", "\\", "trailing\\",
]

@Suite struct EnvironmentTests {
    @Test(arguments: nasty)
    func `A real shell reads what was quoted`(_ value: String) throws {
        let dump = "printf %s \"$VALUE\""
        #expect(try Shell.run("VALUE=\(Quoting.shell(value)); \(dump)").1 == value)
        #expect(try Shell.run("VALUE=\(Quoting.dotenv(value))\n\(dump)").1 == value)
        #expect(try Shell.run("set -- \(Quoting.shellIfNeeded(value)); printf %s \"$1\"").1 == value)
    }

    @Test func `A shell can evaluate env`() throws {
        let stage = try Stage(Samples.instance(password: "a'b $x"))
        defer { stage.close() }
        #expect(stage.run("env", "--format", "shell") == 0)
        let (status, output) = try Shell.run(stage.output + "printf '%s|%s|%s' \"$PGPASSWORD\" \"$PGPORT\" \"$DATABASE_URL\"")
        #expect(status == 0)
        #expect(output == "a'b $x|51214|" + Samples.instance(password: "a'b $x").url)
        #expect(stage.run("env") == 0)
        #expect(stage.output.contains("PGHOST=localhost\n") && stage.output.contains("PGPASSWORD=\"a'b $x\"") == false)
        #expect(try Shell.run("set -a\n" + stage.output + "printf '%s' \"$PGPASSWORD\"").1 == "a'b $x")
        #expect(stage.run("env", "--prisma") == 0)
        #expect(stage.output.contains("connection_limit=10"))
        #expect(stage.run("env", "--json", "--write", ".env") == 2)
    }

    @Test(.timeLimit(.minutes(1))) func `A pipe is no file to write`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        let path = "/tmp/devdb-env-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        #expect(stage.run("env", "--write", path) == 1)
        #expect(stage.errors.contains("not a regular file"))
    }

    @Test func `A link to a file that is not there yet stays one`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        let folder = "/tmp/devdb-link-" + String(UInt64.random(in: 0..<1 << 32), radix: 36)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createSymbolicLink(atPath: folder + "/.env", withDestinationPath: "real.env")
        #expect(stage.run("env", "--write", folder + "/.env") == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/.env") == "real.env")
        #expect(try String(contentsOfFile: folder + "/real.env", encoding: .utf8).contains("PGHOST="))
        #expect(stage.run("env", "--write", "-") == 2)
    }

    private func edited(_ old: String, _ pairs: (key: String, value: String)...) -> String {
        String(decoding: EnvironmentFile.edited(Array(old.utf8), pairs).0, as: UTF8.self)
    }

    @Test func `Lines are replaced where they are and added at the end`() {
        #expect(edited("", ("A", "1")) == "A=1\n")
        #expect(edited("X=1\nA=old\nY=2\n", ("A", "new")) == "X=1\nA=new\nY=2\n")
        #expect(edited("X=1", ("A", "1"), ("B", "x y")) == "X=1\nA=1\nB=\"x y\"\n")
        #expect(edited("# A=1\nAA=2\nA.B=3\n", ("A", "1")) == "# A=1\nAA=2\nA.B=3\nA=1\n")
        #expect(edited("A=1\nA=2\n", ("A", "3")) == "A=3\nA=3\n")
    }

    @Test func `export, blanks and comments stay`() {
        #expect(edited("  export A = 'old'  # why\n", ("A", "n w")) == "  export A = \"n w\"  # why\n")
        #expect(edited("A=old # why\n", ("A", "new")) == "A=new # why\n")
        #expect(edited("A=o#ld\n", ("A", "new")) == "A=new\n")
        #expect(edited("A=\nB=\n", ("A", "new")) == "A=new\nB=\n")
        #expect(edited("A=# c\n", ("A", "new")) == "A=new# c\n" || edited("A=# c\n", ("A", "new")) == "A=new # c\n")
    }

    @Test func `Values over several lines are one value`() {
        #expect(edited("A=\"one\ntwo\"\nB=1\n", ("A", "x")) == "A=x\nB=1\n")
        #expect(edited("KEY='-----\nA=not this\n----'\nA=1\n", ("A", "x")) == "KEY='-----\nA=not this\n----'\nA=x\n")
        #expect(edited("A=\"quote \\\" in it\"\n", ("A", "x")) == "A=x\n")
        // A quote that is never closed is none.
        #expect(edited("B=it's\nC='open\nA=1\n", ("A", "x")) == "B=it's\nC='open\nA=x\n")
    }

    @Test func `Windows' line ends and byte order mark stay`() {
        #expect(edited("X=1\r\nA=old\r\n", ("A", "new"), ("B", "2")) == "X=1\r\nA=new\r\nB=2\r\n")
        #expect(edited("\u{feff}A=1\r\n", ("A", "2")) == "\u{feff}A=2\r\n")
        #expect(edited("X=1\r\nY=2", ("A", "1")) == "X=1\r\nY=2\r\nA=1\r\n")
    }

    @Test func `Bytes that are no text stay`() {
        let old: [UInt8] = [0x58, 0x3d, 0xff, 0xfe, 0x0a]
        #expect(EnvironmentFile.edited(old, [("A", "1")]).0 == old + Array("A=1\n".utf8))
    }

    @Test func `A file keeps its mode and a link its target`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        let file = stage.directory + "/real.env"
        try "X=1\nPGPORT=1\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        try FileManager.default.createSymbolicLink(atPath: stage.directory + "/.env", withDestinationPath: "real.env")
        #expect(stage.run("env", "--write", ".env") == 0)
        #expect(stage.output == "Wrote .env: 1 replaced, 7 added\n")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.hasPrefix("X=1\nPGPORT=51214\nPGHOST=localhost\n"))
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o640)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: stage.directory + "/.env") == "real.env")
        #expect(stage.run("env", "--write", ".env") == 0)
        #expect(stage.output == "Wrote .env: 8 replaced, 0 added\n")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        #expect(try FileManager.default.contentsOfDirectory(atPath: stage.directory).sorted() == [".env", "real.env"])
    }

    @Test func `A new file is its owner's alone, and what can't be written is an error`() throws {
        let stage = try Stage(Samples.instance())
        defer { stage.close() }
        #expect(stage.run("env", "--write", "new.env") == 0)
        let attributes = try FileManager.default.attributesOfItem(atPath: stage.directory + "/new.env")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(stage.run("env", "--write", "no/such/.env") == 1)
        #expect(stage.errors.hasPrefix("error[system]: "))
        #expect(stage.run("env", "--write", ".") == 1)
    }
}
