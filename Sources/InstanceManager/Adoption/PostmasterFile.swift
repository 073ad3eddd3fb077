/// `postmaster.pid` as PostgreSQL writes it (src/include/utils/pidfile.h).
struct PostmasterFile: Equatable, Sendable {
    /// Negative in single-user mode.
    var pid: Int32
    var dataDirectory: String
    /// Seconds since 1970 by the clock of then.
    var startTime: Int64
    /// System V shared memory: key and id.
    var sharedMemory: (key: Int, id: Int)?
    /// `starting`, `ready`, `stopping`, `standby`; empty before it is written.
    var status: String

    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(line.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
        }
        guard let first = lines.first, let pid = Int32(first), pid != 0 else { return nil }
        self.pid = pid
        dataDirectory = lines.count > 1 ? lines[1] : ""
        startTime = lines.count > 2 ? Int64(lines[2]) ?? 0 : 0
        let numbers = lines.count > 6 ? lines[6].split(separator: " ").compactMap { Int($0) } : []
        sharedMemory = numbers.count == 2 ? (numbers[0], numbers[1]) : nil
        status = lines.count > 7 ? lines[7] : ""
    }

    static func read(_ dataDirectory: String) -> PostmasterFile? {
        Paths.readText(dataDirectory + "/postmaster.pid", limit: 4096).flatMap { PostmasterFile($0) }
    }

    static func == (left: PostmasterFile, right: PostmasterFile) -> Bool {
        left.pid == right.pid && left.dataDirectory == right.dataDirectory && left.startTime == right.startTime
            && left.status == right.status && left.sharedMemory?.key == right.sharedMemory?.key
            && left.sharedMemory?.id == right.sharedMemory?.id
    }
}
