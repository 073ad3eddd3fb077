internal import Basics
internal import HTTPWire

/// An instance's URL for another of its databases.
enum DatabaseChoice {
    /// - Parameters:
    ///   - url: as the daemon gave it, or of `prisma+postgres:` kind, whose key has the database inside.
    ///   - database: any name that PostgreSQL takes.
    static func url(_ url: String, database: String) throws(DevError) -> String {
        let path = "/" + PercentCoding.encode(try checked(database)) + "?"
        guard let key = url.firstRange(of: "api_key=") else { return replaced(url, path) }
        let json = replaced(String(decoding: Base64.decode(url[key.upperBound...].utf8), as: UTF8.self), path)
        return url[..<key.upperBound] + Base64.urlEncode(json.utf8)
    }

    static func checked(_ database: String) throws(DevError) -> String {
        guard !database.isEmpty, database.utf8.count <= 63, !database.utf8.contains(0) else {
            throw DevError(.usage, "A database's name has 1 to 63 bytes", object: database, help: "Run dev url --database NAME")
        }
        return database
    }

    /// The first URL's path; a key's second URL is the shadow's.
    private static func replaced(_ text: String, _ path: String) -> String {
        var text = text
        if let range = text.firstRange(of: "/template1?") { text.replaceSubrange(range, with: path) }
        return text
    }
}
