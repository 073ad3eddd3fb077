internal import Basics
internal import DevAPI

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Reads a growing file line by line, and goes on in the new one when it is rotated. All calls block: use
/// `Loop.blocking`. The descriptor is the owner's to close, once.
struct LogReader: Sendable {
    let path: String
    private var descriptor: Int32 = -1
    private var offset: Int64 = 0
    /// The beginning of a line whose end has not come.
    private var partial: [UInt8] = []

    /// A line is cut at this many bytes, so that a file without line ends costs no more memory.
    static let longest = 1 << 20
    /// So far back the last lines are looked for.
    static let window: Int64 = 4 << 20

    init(path: String) { self.path = path }

    /// The last lines, also of the file before the rotation; then `more` goes on behind them.
    mutating func tail(_ count: Int) -> [String] {
        reopen()
        guard count > 0 else {
            if descriptor >= 0 { offset = size() }
            return []
        }
        var lines: [String] = []
        if descriptor >= 0 {
            offset = max(0, size() - Self.window)
            let isCut = offset > 0
            while let piece = read() { lines += split(piece) }
            if isCut, !lines.isEmpty { lines.removeFirst() }
        }
        if lines.count < count {
            var earlier = LogReader(path: path + ".1")
            if earlier.isThere {
                lines = earlier.tail(count - lines.count) + earlier.rest() + lines
                earlier.close()
            }
        }
        return Array(lines.suffix(count))
    }

    /// Behind the last whole line that was read.
    var position: LogPosition? {
        guard descriptor >= 0, let file = Self.inode(of: descriptor) else { return nil }
        return LogPosition(file: file, offset: offset - Int64(partial.count))
    }

    /// Goes on at a position of another reader. - Returns: what follows it in the file before a rotation.
    mutating func resume(_ position: LogPosition) -> [String] {
        let from = max(position.offset, 0)
        reopen()
        if descriptor >= 0, Self.inode(of: descriptor) == position.file {
            offset = min(from, size())
            return []
        }
        var earlier = LogReader(path: path + ".1")
        earlier.reopen()
        defer { earlier.close() }
        guard earlier.descriptor >= 0, Self.inode(of: earlier.descriptor) == position.file else { return [] }
        earlier.offset = from
        var lines: [String] = []
        while let piece = earlier.read() { lines += earlier.split(piece) }
        return lines + earlier.rest()
    }

    /// What has come since, and whether there may be more now.
    mutating func more() -> (lines: [String], again: Bool) {
        if descriptor < 0 { reopen() }
        if let piece = read() { return (split(piece), true) }
        // At its end: rotated?
        guard descriptor >= 0, let named = Self.inode(path), named != Self.inode(of: descriptor) else {
            if descriptor >= 0, size() < offset { offset = 0 }
            return ([], false)
        }
        let last = rest()
        close()
        reopen()
        return (last, true)
    }

    /// A last line without its end.
    mutating func rest() -> [String] {
        defer { partial = [] }
        return partial.isEmpty ? [] : [String(decoding: partial, as: UTF8.self)]
    }

    mutating func close() {
        if descriptor >= 0 { Descriptor.close(descriptor) }
        descriptor = -1
        offset = 0
    }

    private var isThere: Bool { Self.inode(path) != nil }

    private mutating func reopen() {
        guard descriptor < 0 else { return }
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        offset = 0
    }

    private mutating func read() -> [UInt8]? {
        guard descriptor >= 0 else { return nil }
        let descriptor = descriptor
        let from = offset
        let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, 65_536, off_t(from)))
        }
        guard !piece.isEmpty else { return nil }
        offset += Int64(piece.count)
        return piece
    }

    private mutating func split(_ piece: [UInt8]) -> [String] {
        var lines: [String] = []
        var start = piece.startIndex
        while let end = piece[start...].firstIndex(of: 10) {
            lines.append(String(decoding: partial + piece[start..<end], as: UTF8.self))
            partial = []
            start = end + 1
        }
        partial += piece[start...]
        if partial.count > Self.longest { lines += rest() }
        return lines
    }

    private func size() -> Int64 {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    private static func inode(_ path: String) -> UInt64? {
        var facts = stat()
        return stat(path, &facts) == 0 ? UInt64(facts.st_ino) : nil
    }

    private static func inode(of descriptor: Int32) -> UInt64? {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? UInt64(facts.st_ino) : nil
    }
}
