internal import Basics
internal import CommandLine
internal import DevAPI
internal import HTTPWire

/// `dev url`.
enum URLCommand {
    static let description = Command(
        "url", abstract: "Print the URL of an instance",
        discussion: ["One line. Wakes nothing: the server wakes when a client connects."],
        examples: [
            Example("psql \"$(dev url)\"", "Connect to the project's database"),
            Example("dev url app --prisma", "With the parameters that Prisma wants"),
            Example("dev url app --http --database shop_test", "For a Prisma client over HTTP, with another database"),
            Example("PPG=\"$(dev url --serverless)\" node app.mjs", "For transportConfig: JSON.parse(process.env.PPG)"),
        ],
        options: [
            Naming.nameOption, Option("prisma", abstract: "With Prisma's TCP parameters"),
            Option("shadow", abstract: "Of the shadow database"),
            Option("http", abstract: "The prisma+postgres:// URL, for Prisma over HTTP"),
            Option("serverless", abstract: "JSON for the transportConfig of Prisma's serverless drivers"),
            Option("database", value: Value("NAME"), abstract: "For this database of the instance; the main one by default"),
            Naming.json,
        ],
        positionals: [Naming.one], exclusive: [["prisma", "shadow", "http", "serverless"], ["serverless", "json"]])

    struct Answer: Codable {
        var name: String
        var url: String
    }

    /// The drivers make an https:// endpoint of a URL, without its port; this object they take as it is.
    private struct TransportConfig: Encodable {
        var endpoint: String
        var username: String
        var password: String
        var database: String
    }

    static func run(_ invocation: Invocation, _ context: Context) throws(DevError) -> Int32 {
        let facts = try context.status(invocation, for: .url)
        if invocation.flag("serverless") {
            var database = try DatabaseChoice.checked(invocation.value("database") ?? facts.database)
            // The drivers' protocol decodes it twice, which a name with a % in it would not survive.
            if database.contains("%") { database = PercentCoding.encode(database) }
            try context.printJSONLine(
                TransportConfig(endpoint: facts.httpUrl, username: facts.name, password: facts.password, database: database))
            return 0
        }
        var url =
            if invocation.flag("prisma") {
                facts.prismaUrl
            } else if invocation.flag("shadow") {
                facts.shadowUrl
            } else if invocation.flag("http") {
                facts.prismaPostgresUrl
            } else {
                facts.url
            }
        if let database = invocation.value("database") { url = try DatabaseChoice.url(url, database: database) }
        if invocation.flag("json") {
            try context.printJSON(Answer(name: facts.name, url: url))
        } else {
            context.out(url + "\n")
        }
        return 0
    }
}
