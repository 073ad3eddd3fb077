internal import Basics
internal import HTTPWire

/// The key in a Prisma Postgres URL (HTTP protocol specification §1.2): base64url of `{"databaseUrl", "name",
/// "shadowDatabaseUrl"}`. It names its instance and database and carries the password, so it is a secret.
struct APIKey {
    var name: InstanceName
    var user: String
    var password: Secret
    /// As in the URL; `template1` is the instance's main one.
    var database: String
    /// The port in the URL; nil when it has none.
    var port: UInt16?
    /// `connection_limit` of the URL.
    var connectionLimit: Int?
    /// `pool_timeout` of the URL in seconds; 0: wait for ever.
    var poolTimeout: Int?

    enum Refusal: Error { case missing, invalid }

    /// - Parameter header: `Bearer <key>`.
    init(header: String?) throws(Refusal) {
        guard let header, !header.isEmpty else { throw .missing }
        let words = header.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else { throw .invalid }
        let bytes = Base64.decode(words[1].utf8)
        guard let json = try? JSONScanner.parse(bytes), let text = json["databaseUrl"]?.string, let name = json["name"]?.string,
            let instance = try? InstanceName(name), let url = DatabaseURL(text)
        else { throw .invalid }
        self.name = instance
        user = url.user
        password = Secret(url.password)
        database = url.database
        port = url.port
        connectionLimit = url.parameters["connection_limit"].flatMap { Int($0) }
        poolTimeout = url.parameters["pool_timeout"].flatMap { Int($0) }
    }
}

/// A `postgres://` URL in its parts.
struct DatabaseURL {
    var user: String
    var password: String
    var host: String
    var port: UInt16?
    var database: String
    var parameters: [String: String] = [:]

    /// nil for what is none.
    init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://"), ["postgres", "postgresql"].contains(text[..<scheme.lowerBound]) else { return nil }
        let rest = text[scheme.upperBound...]
        let pathStart = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<pathStart]
        let hostStart = authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
        let credentials = hostStart > authority.startIndex ? authority[..<authority.index(before: hostStart)] : ""
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = PercentCoding.decode(parts.first ?? ""), let password = PercentCoding.decode(parts.dropFirst().first ?? "") else {
            return nil
        }
        (self.user, self.password) = (user, password)
        var hostText = authority[hostStart...]
        if let colon = hostText.lastIndex(of: ":"), !hostText[colon...].contains("]") {
            guard let port = UInt16(hostText[hostText.index(after: colon)...]) else { return nil }
            self.port = port
            hostText = hostText[..<colon]
        }
        host = String(hostText)
        let tail = rest[pathStart...]
        let question = tail.firstIndex(of: "?") ?? tail.endIndex
        guard let database = PercentCoding.decode(tail[..<question].drop { $0 == "/" }) else { return nil }
        self.database = database
        guard question < tail.endIndex else { return }
        for pair in tail[tail.index(after: question)...].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = PercentCoding.decode(sides.first ?? ""), let value = PercentCoding.decode(sides.dropFirst().first ?? "") else {
                return nil
            }
            parameters[key] = value
        }
    }
}
