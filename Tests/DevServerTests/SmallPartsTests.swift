import Basics
import DevAPI
import Foundation
import Testing

@testable import DevServer

@Suite struct SmallPartsTests {
    @Test func timesAreRFC3339() {
        #expect(Timestamp.text(0) == "1970-01-01T00:00:00Z")
        #expect(Timestamp.text(1_700_000_000.9) == "2023-11-14T22:13:20Z")
        #expect(Timestamp.text(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(Timestamp.text(-1) == "1969-12-31T23:59:59Z")
        let formatter = ISO8601DateFormatter()
        for _ in 0..<500 {
            let seconds = Double(Int.random(in: -10_000_000_000...10_000_000_000))
            #expect(Timestamp.text(seconds) == formatter.string(from: Date(timeIntervalSince1970: seconds)))
        }
        _ = Timestamp.text(.infinity)
        _ = Timestamp.text(.nan)
    }

    @Test func ancestorsEndAtTheRoot() {
        #expect(Project.ancestors(of: "/a/b/") == ["/a/b", "/a", "/"])
        #expect(Project.ancestors(of: "/") == ["/"])
        #expect(Project.ancestors(of: "a").isEmpty)
        #expect(Project.ancestors(of: "/a/../b").isEmpty)
    }

    @Test func projectsAreFound() throws {
        let root = try TemporaryFolder()
        let deep = root.path + "/Shop of Anna/src/lib"
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        try "gitdir: elsewhere".write(toFile: root.path + "/Shop of Anna/.git", atomically: true, encoding: .utf8)
        var project = try Project.find(from: deep)
        #expect(project.name.text == "Shop-of-Anna" && project.nameIsFolders && project.folder == root.path + "/Shop of Anna")
        try "pg = '15'".write(toFile: root.path + "/Shop of Anna/src/dev.toml", atomically: true, encoding: .utf8)
        project = try Project.find(from: deep)
        #expect(project.name.text == "src" && project.file?.pg == "15")
        try "name = 'x'".write(toFile: root.path + "/Shop of Anna/src/dev.toml", atomically: true, encoding: .utf8)
        project = try Project.find(from: deep)
        #expect(project.name.text == "x" && !project.nameIsFolders)
        #expect(try Project.find(from: "/nonexistent-\(UUID().uuidString)").name == .default)
        try FileManager.default.removeItem(atPath: root.path + "/Shop of Anna/src/dev.toml")
        try FileManager.default.createDirectory(atPath: root.path + "/Shop of Anna/src/dev.toml", withIntermediateDirectories: true)
        #expect(throws: DevError.self) { _ = try Project.find(from: deep) }
    }

    @Test func optionsOfTheDaemon() throws {
        #expect(try DaemonOptions(["--home", "/x", "--foreground"]).home == "/x")
        #expect(try DaemonOptions(["--home=/y"]).home == "/y")
        #expect(try DaemonOptions(["--version"]).action == .version)
        for wrong in [["--hmoe"], ["--home"], ["--home="], ["x"]] {
            #expect(throws: DevError.self) { _ = try DaemonOptions(wrong) }
        }
    }

    @Test func listsMayHaveCommas() {
        #expect(Control.items(["a,b", " c , d", ",", ""]) == ["a", "b", "c", "d"])
        #expect(Control.items(["a b"]) == ["a b"])
    }

    @Test func logIsReadFromItsEndAndAcrossRotation() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/server.log"
        func write(_ text: String, to path: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }
        try write("old1\nold2\n", to: path + ".1")
        try write("1\n2\n3\npart", to: path)
        var reader = LogReader(path: path)
        #expect(reader.tail(2) == ["2", "3"])
        var more = LogReader(path: path)
        #expect(more.tail(4) == ["old2", "1", "2", "3"])
        more.close()
        #expect(reader.more().lines == [])
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("ial\nlast".utf8))
        #expect(reader.more().lines == ["partial"])
        try FileManager.default.removeItem(atPath: path + ".1")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try handle.write(contentsOf: Data("!\n".utf8))
        try write("new\n", to: path)
        var seen: [String] = []
        while true {
            let (lines, again) = reader.more()
            seen += lines
            if !again { break }
        }
        #expect(seen == ["last!", "new"])
        reader.close()
    }
}

/// A folder of its own, gone at the end.
final class TemporaryFolder {
    let path: String
    init() throws {
        path = "/tmp/devdb-test-\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
