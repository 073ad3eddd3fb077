import Basics
import Files
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct DurableFileTests {
    @Test func writesReplacesAndReads() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/facts"
        try DurableFile.write(Array("one".utf8), to: path)
        #expect(facts(path).map { $0.st_mode & 0o7777 } == 0o600)
        let long = [UInt8](repeating: 7, count: 300_000)
        try DurableFile.write(long, to: path, mode: 0o644)
        #expect(try DurableFile.read(path) == long)
        #expect(facts(path).map { $0.st_mode & 0o7777 } == 0o644)
        try DurableFile.write([], to: path)
        #expect(try DurableFile.read(path) == [])
        #expect(scratch.names() == ["facts"])
    }

    @Test func replacesALinkInsteadOfFollowingIt() throws {
        let scratch = try Scratch()
        try scratch.write("victim", [1])
        #expect(symlink("victim", scratch.path + "/link") == 0)
        try DurableFile.write([2], to: scratch.path + "/link")
        #expect(try DurableFile.read(scratch.path + "/victim") == [1])
        #expect(try DurableFile.read(scratch.path + "/link") == [2])
    }

    @Test func readKeepsItsLimits() throws {
        let scratch = try Scratch()
        try scratch.write("ten", [UInt8](0..<10))
        #expect(try DurableFile.read(scratch.path + "/ten", limit: 10).count == 10)
        #expect(throws: DevError.self) { try DurableFile.read(scratch.path + "/ten", limit: 9) }
        // A pipe without a writer, and a folder.
        #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
        #expect(throws: DevError.self) { try DurableFile.read(scratch.path + "/pipe") }
        #expect(throws: DevError.self) { try DurableFile.read(scratch.path) }
        let missing = try #require(throws: DevError.self) { try DurableFile.read(scratch.path + "/none") }
        #expect(missing.code == .notFound)
        #if os(Linux)
            // A file that tells no size.
            #expect(try DurableFile.read("/proc/self/status").isEmpty == false)
        #endif
    }

    @Test func renameReplacesFilesButNoFullFolder() throws {
        let scratch = try Scratch()
        try scratch.write("a", [1])
        try scratch.write("b", [2])
        try DurableFile.rename(scratch.path + "/a", scratch.path + "/b")
        #expect(try DurableFile.read(scratch.path + "/b") == [1])
        try DurableFile.makeFolder(scratch.path + "/x")
        try DurableFile.makeFolder(scratch.path + "/y/inner")
        let error = try #require(throws: DevError.self) { try DurableFile.rename(scratch.path + "/x", scratch.path + "/y") }
        #expect(error.code == .exists)
    }

    @Test func makesFoldersWithTheirMode() throws {
        let scratch = try Scratch()
        try DurableFile.makeFolder(scratch.path + "/a/b/c/", mode: 0o711)
        #expect(facts(scratch.path + "/a/b").map { $0.st_mode & 0o7777 } == 0o711)
        try DurableFile.makeFolder(scratch.path + "/a/b", mode: 0o700)
        #expect(facts(scratch.path + "/a/b").map { $0.st_mode & 0o7777 } == 0o711)
        try scratch.write("file", [])
        #expect(throws: DevError.self) { try DurableFile.makeFolder(scratch.path + "/file") }
        // A file system that says "not found" where it takes no folders.
        #expect(throws: DevError.self) { try DurableFile.makeFolder("/proc/devdb/inner") }
        #expect(throws: DevError.self) { try DurableFile.makeFolder(scratch.path + "/file/below") }
        #expect(symlink("nowhere", scratch.path + "/dangling") == 0)
        #expect(throws: DevError.self) { try DurableFile.makeFolder(scratch.path + "/dangling/below") }
        if geteuid() == 0 {
            try DurableFile.makeFolder(scratch.path + "/owned", owner: (uid: 65_534, gid: 65_534))
            #expect(facts(scratch.path + "/owned")?.st_uid == 65_534)
        }
    }

    @Test func aFullDiskLeavesTheOldContent() throws {
        _ = try onSmallDisk(64) { disk in
            try DurableFile.write([1, 2, 3], to: disk + "/facts")
            let error = try #require(throws: DevError.self) {
                try DurableFile.write([UInt8](repeating: 0, count: 200_000), to: disk + "/facts")
            }
            #expect(error.code == .diskFull)
            #expect(try DurableFile.read(disk + "/facts") == [1, 2, 3])
            // Nothing of the attempt is left to fill it.
            try DurableFile.write([UInt8](repeating: 0, count: 30_000), to: disk + "/other")
        }
    }

    @Test func aReadOnlyDiskIsSaid() throws {
        #if os(Linux)
            _ = try onSmallDisk(64) { disk in
                try #require(mount("tmpfs", disk, nil, UInt(MS_REMOUNT | MS_RDONLY), "size=64k") == 0)
                let error = try #require(throws: DevError.self) { try DurableFile.write([1], to: disk + "/facts") }
                #expect(error.code == .readOnly)
                #expect(throws: DevError.self) { try DurableFile.makeFolder(disk + "/a") }
            }
        #endif
    }
}

@Suite struct FileLockTests {
    @Test func excludesAndLetsGo() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/lock"
        var first = try FileLock.acquire(path)
        #expect(first != nil)
        #expect(try FileLock.acquire(path) == nil)
        #expect(FileLock.holder(path) == getpid())
        first = nil
        #expect(try FileLock.acquire(path) != nil)
        _ = first
    }

    @Test func aFileReplacedUnderTheLockIsLockedAnew() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/lock"
        let old = try FileLock.acquire(path)
        unlink(path)
        let new = try FileLock.acquire(path)
        #expect(old != nil && new != nil)
        #expect(try FileLock.acquire(path) == nil)
        #expect(throws: DevError.self) { try FileLock.acquire(scratch.path + "/none/lock") }
    }
}
