#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Who listens on a TCP port of this machine, as far as we may know: another user's processes hide their descriptors.
public enum PortHolder {
    /// "pid 812 (postgres)"; nil when it can't be told.
    public static func describe(_ port: UInt16) -> String? {
        #if os(Linux)
            let inodes = listening(port)
            guard !inodes.isEmpty else { return nil }
            let links = Set(inodes.map { "socket:[\($0)]" })
            for pid in ProcessFacts.pids() {
                let folder = "/proc/\(pid)/fd"
                for name in Paths.list(folder) {
                    guard let link = Paths.link(folder + "/" + name), links.contains(link) else { continue }
                    return "pid \(pid)" + (ProcessFacts.name(pid).map { " (\($0))" } ?? "")
                }
            }
        #endif
        return nil
    }

    #if os(Linux)
        /// Inodes of sockets in state LISTEN (0A) on the port, from /proc/net (proc(5)).
        private static func listening(_ port: UInt16) -> [String] {
            var digits = String(port, radix: 16, uppercase: true)
            digits = String(repeating: "0", count: 4 - digits.count) + digits
            var result: [String] = []
            for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
                for line in (Paths.readText(file, limit: 16 << 20) ?? "").split(separator: "\n").dropFirst() {
                    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                    guard fields.count > 9, fields[3] == "0A", fields[1].hasSuffix(":" + digits) else { continue }
                    result.append(String(fields[9]))
                }
            }
            return result
        }
    #endif
}
