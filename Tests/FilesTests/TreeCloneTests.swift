import Basics
import Files
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct TreeCloneTests {
    @Test func copiesContentModesAndLinks() throws {
        let scratch = try Scratch()
        let tree = scratch.path + "/tree"
        try DurableFile.makeFolder(tree + "/base/1")
        let contents: [(String, [UInt8])] = [
            ("empty", []), ("small", [1, 2, 3]), ("base/edge", [UInt8](repeating: 5, count: 256 << 10)),
            ("base/1/big", (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
        ]
        for (name, bytes) in contents { try scratch.write("tree/" + name, bytes) }
        try scratch.write("tree/readable", [9], mode: 0o644)
        try scratch.write("tree/closed", [9], mode: 0o400)
        #expect(chmod(tree + "/base", 0o755) == 0)
        #expect(symlink("/etc/passwd", tree + "/link") == 0)
        #expect(symlink("../nowhere", tree + "/base/1/dangling") == 0)
        #expect(mkfifo(tree + "/pipe", 0o600) == 0)
        let copy = scratch.path + "/copy"
        let report = try TreeClone.clone(tree, to: copy, durable: true)
        #expect(report.files == 6)
        #expect(report.bytes == Int64(contents.map { $0.1.count }.reduce(2, +)))
        for (name, bytes) in contents { #expect(try DurableFile.read(copy + "/" + name) == bytes, "\(name)") }
        #expect(facts(copy + "/readable").map { $0.st_mode & 0o7777 } == 0o644)
        #expect(facts(copy + "/closed").map { $0.st_mode & 0o7777 } == 0o400)
        #expect(facts(copy + "/base").map { $0.st_mode & 0o7777 } == 0o755)
        #expect(facts(copy + "/link").map { $0.st_mode & S_IFMT } == S_IFLNK)
        #expect(facts(copy + "/base/1/dangling").map { $0.st_mode & S_IFMT } == S_IFLNK)
        #expect(facts(copy + "/pipe") == nil)
        // Written to the copy, not seen in the source.
        try DurableFile.write([0], to: copy + "/small")
        #expect(try DurableFile.read(tree + "/small") == [1, 2, 3])
    }

    @Test func keepsHoles() throws {
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/tree")
        try scratch.write("tree/sparse", [1, 2, 3])
        let path = scratch.path + "/tree/sparse"
        let file = open(path, O_WRONLY)
        #expect(pwrite(file, [4], 1, 2 << 20) == 1)
        #expect(ftruncate(file, 8 << 20) == 0)
        close(file)
        try TreeClone.clone(scratch.path + "/tree", to: scratch.path + "/copy", durable: false)
        let copy = try #require(facts(scratch.path + "/copy/sparse"))
        #expect(copy.st_size == 8 << 20)
        #expect(copy.st_blocks * 512 < 1 << 20)
        #expect(try DurableFile.read(scratch.path + "/copy/sparse", limit: 8 << 20) == DurableFile.read(path, limit: 8 << 20))
    }

    @Test func takesAnyNameAndDepth() throws {
        let scratch = try Scratch()
        let tree = scratch.path + "/tree"
        try DurableFile.makeFolder(tree)
        let odd: [CChar] = [-1, -2, 10, 9, 32, 34, 0]
        let folder = open(tree, O_RDONLY)
        defer { close(folder) }
        #if os(Linux)  // APFS takes UTF-8 only
            close(openat(folder, odd, O_WRONLY | O_CREAT, 0o600))
        #endif
        let long = String(repeating: "n", count: 255)
        try scratch.write("tree/" + long, [1])
        let deep = tree + "/" + Array(repeating: "d", count: 150).joined(separator: "/")
        try DurableFile.makeFolder(deep)
        try DurableFile.write([7], to: deep + "/bottom")
        let report = try TreeClone.clone(tree, to: scratch.path + "/copy", durable: false)
        #if os(Linux)
            #expect(report.files == 3)
            let copy = open(scratch.path + "/copy", O_RDONLY)
            defer { close(copy) }
            #expect(faccessat(copy, odd, F_OK, 0) == 0)
        #endif
        let bottom = scratch.path + "/copy/" + Array(repeating: "d", count: 150).joined(separator: "/") + "/bottom"
        #expect(try DurableFile.read(bottom) == [7])
        try TreeClone.remove(scratch.path + "/copy")
        #expect(facts(scratch.path + "/copy") == nil)
    }

    /// More folders than descriptors may be open, more files than one batch.
    @Test func takesManyFolders() throws {
        let scratch = try Scratch()
        for index in 0..<700 {
            try DurableFile.makeFolder(scratch.path + "/tree/base/\(index)")
            try scratch.write("tree/base/\(index)/PG_VERSION", Array("15\n".utf8))
        }
        let before = openDescriptors()
        let report = try TreeClone.clone(scratch.path + "/tree", to: scratch.path + "/copy", durable: false)
        #expect(report.files == 700)
        #expect(scratch.names("copy/base").count == 700)
        // Other tests open and close meanwhile; a leak here would be of hundreds.
        if let before, let after = openDescriptors() { #expect(after < before + 300) }
    }

    @Test func refusesWhatIsThere() throws {
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/tree")
        try DurableFile.makeFolder(scratch.path + "/taken")
        try scratch.write("taken/precious", [1])
        let taken = try #require(throws: DevError.self) {
            try TreeClone.clone(scratch.path + "/tree", to: scratch.path + "/taken", durable: false)
        }
        #expect(taken.code == .exists)
        #expect(scratch.names("taken") == ["precious"])
        let missing = try #require(throws: DevError.self) {
            try TreeClone.clone(scratch.path + "/none", to: scratch.path + "/copy", durable: false)
        }
        #expect(missing.code == .notFound)
        // Into itself: ends, and leaves nothing.
        #expect(throws: DevError.self) { try TreeClone.clone(scratch.path + "/tree", to: scratch.path + "/tree/copy", durable: false) }
        #expect(scratch.names("tree") == [])
    }

    @Test func aFailedCloneLeavesNothing() throws {
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/tree/inner")
        for index in 0..<40 { try scratch.write("tree/inner/\(index)", [UInt8](repeating: 1, count: 20_000)) }
        _ = try onSmallDisk(256) { disk in
            let error = try #require(throws: DevError.self) {
                try TreeClone.clone(scratch.path + "/tree", to: disk + "/copy", durable: false)
            }
            #expect(error.code == .diskFull)
            #expect(facts(disk + "/copy") == nil)
            let space = try TreeClone.space(disk)
            #expect(space.total == 256 << 10)
            #expect(space.free > 200 << 10)
        }
    }

    @Test func givesAllToTheOwner() throws {
        guard geteuid() == 0 else { return print("SKIPPED: owners can be set by root only") }
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/tree/inner")
        try scratch.write("tree/inner/file", [1])
        #expect(symlink("file", scratch.path + "/tree/inner/link") == 0)
        try TreeClone.clone(scratch.path + "/tree", to: scratch.path + "/copy", owner: (uid: 65_534, gid: 65_533), durable: false)
        for name in ["", "/inner", "/inner/file", "/inner/link"] {
            let found = facts(scratch.path + "/copy" + name)
            #expect(found?.st_uid == 65_534 && found?.st_gid == 65_533, "\(name)")
        }
    }

    @Test func removeStaysInside() throws {
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/outside")
        try scratch.write("outside/precious", [1])
        try DurableFile.makeFolder(scratch.path + "/tree/closed")
        try scratch.write("tree/closed/file", [1], mode: 0o000)
        #expect(symlink(scratch.path + "/outside", scratch.path + "/tree/link") == 0)
        #expect(symlink(scratch.path + "/outside", scratch.path + "/top") == 0)
        #expect(chmod(scratch.path + "/tree/closed", 0o500) == 0)
        try TreeClone.remove(scratch.path + "/tree")
        try TreeClone.remove(scratch.path + "/top")
        try TreeClone.remove(scratch.path + "/never/was")
        #expect(scratch.names() == ["outside"])
        #expect(scratch.names("outside") == ["precious"])
        try TreeClone.remove(scratch.path + "/outside/precious/")
        #expect(scratch.names("outside") == [])
    }

    @Test func syncTakesAnyPlaceThatIsThere() throws {
        _ = try onSmallDisk(64) { disk in try TreeClone.sync(disk) }
        #expect(throws: DevError.self) { try TreeClone.sync("/tmp/devdb-nothing-here") }
    }

    @Test func spreadingIsOnlyAHint() throws {
        let scratch = try Scratch()
        TreeClone.spreadFolders(in: scratch.path)
        TreeClone.spreadFolders(in: scratch.path + "/none")
        try DurableFile.makeFolder(scratch.path + "/a")
        #expect(scratch.names() == ["a"])
    }

    private func openDescriptors() -> Int? {
        guard let stream = opendir("/dev/fd") else { return nil }
        defer { closedir(stream) }
        var count = 0
        while readdir(stream) != nil { count += 1 }
        return count
    }
}
