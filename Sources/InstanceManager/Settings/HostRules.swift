/// The server's `pg_hba.conf`. How a client is shown to PostgreSQL says how it is asked (docs/architecture.md):
/// 127.0.0.1 = by its password, ::1 = the front has checked the owner's password already, Unix socket = the daemon
/// itself (the folder is 0700), or the unmarked pump.
enum HostRules {
    private static let begin = "# >>> devdb"
    private static let end = "# <<< devdb"

    private static let first = """
        \(begin): written anew before each start. Your own rules go between the two marked blocks.
        local all         postgres              trust
        local replication postgres              trust
        host  all         postgres ::1/128      trust
        host  replication postgres ::1/128      trust
        \(end)
        """

    private static let last = """
        \(begin): everybody else by password; md5 takes SCRAM verifiers too.
        local all         all                   md5
        local replication all                   md5
        host  all         all      127.0.0.1/32 md5
        host  replication all      127.0.0.1/32 md5
        \(end)
        """

    /// - Parameter present: the file as it is; nil or `initdb`'s for a new instance.
    /// - Returns: the file as it should be, with the person's lines where they take effect: after what the daemon needs,
    ///   before what holds for everybody.
    static func file(present: String?) -> String {
        var own: [Substring] = []
        var inside = false
        for line in (present ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(begin) {
                inside = true
            } else if line.hasPrefix(end) {
                inside = false
            } else if !inside {
                own.append(line)
            }
        }
        while own.last?.allSatisfy(\.isWhitespace) == true { own.removeLast() }
        while own.first?.allSatisfy(\.isWhitespace) == true { own.removeFirst() }
        let middle = own.isEmpty ? "" : own.joined(separator: "\n") + "\n\n"
        return first + "\n\n" + middle + last + "\n"
    }
}
