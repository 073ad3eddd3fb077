extension ServerLogReading {
    /// A server's data directory and the user it runs as.
    struct Place {
        var data: String
        var user: String
        /// A folder on the way there that the user may not enter.
        var closed: String?

        /// - Parameter said: a line of the server's.
        /// - Returns: the command that makes the directory the server's own again, if that is what it complains of.
        func repair(_ said: String) -> String? {
            let folder = "'" + data.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
            if said.contains("has wrong ownership") { return "chown -R \(user) \(folder)" }
            if said.contains("has invalid permissions") { return "chmod 700 \(folder)" }
            if said.contains("Permission denied"), let closed { return "chmod o+x \(closed)" }
            guard said.contains("Permission denied"), said.contains(data) || !said.contains("\"/") else { return nil }
            return "chown -R \(user) \(folder) && chmod -R u+rwX \(folder)"
        }
    }
}
