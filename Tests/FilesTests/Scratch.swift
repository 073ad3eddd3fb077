import Basics
import Files
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A folder of its own for one test, removed with it.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/devdb-files-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        try DurableFile.makeFolder(path)
    }

    deinit { try? TreeClone.remove(path) }

    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(bytes.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        try #require(fchmod(descriptor, mode) == 0)
    }

    /// Names in a folder, sorted, as bytes.
    func names(_ folder: String = "") -> [String] {
        guard let stream = opendir(path + "/" + folder) else { return [] }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result.sorted()
    }
}

func facts(_ path: String) -> stat? {
    var result = stat()
    return lstat(path, &result) == 0 ? result : nil
}

/// Runs a body on a mounted tmpfs of so many KiB; false (and a loud line) when mounting is not allowed here.
func onSmallDisk(_ kilobytes: Int, options: String = "", _ body: (String) throws -> Void) throws -> Bool {
    #if os(Linux)
        let scratch = try Scratch()
        guard mount("tmpfs", scratch.path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
            print("SKIPPED: no small disk, mount is not allowed here (\(String(cString: strerror(errno))))")
            return false
        }
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        try body(scratch.path)
        return true
    #else
        print("SKIPPED: no small disk on this system")
        return false
    #endif
}

// Inside `Scratch` its own `write` hides the C function.
private func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, buffer, count) }
