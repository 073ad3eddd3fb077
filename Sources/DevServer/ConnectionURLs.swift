public import Basics
internal import HTTPWire

/// The URLs of one instance in all forms that prisma dev prints (spec/prisma-dev-cli.md §4).
public struct ConnectionURLs: Sendable, Equatable {
    /// Plain TCP: works with every client, libpq's tools too, which refuse Prisma's parameters.
    public var plain: String
    /// With the parameters `@prisma/dev` 0.22 and newer prints, in prisma dev's order.
    public var prisma: String
    /// Plain, on the shadow port: Prisma and libpq both take it.
    public var shadow: String
    public var prismaShadow: String
    public var http: String
    public var prismaPostgres: String

    public static let user = "postgres"
    /// What existing `.env` files have; the front maps it to the instance's main database.
    public static let database = "template1"
    static let parameters =
        "sslmode=disable&connection_limit=10&connect_timeout=0&max_idle_connection_lifetime=0&pool_timeout=0&socket_timeout=0"

    /// - Parameter password: leaves here in clear text, for its owner.
    public init(name: InstanceName, password: Secret, port: UInt16, shadowPort: UInt16, httpPort: UInt16) {
        let credentials = "\(Self.user):\(PercentCoding.encode(password.reveal()))"
        func url(_ port: UInt16, _ query: String) -> String {
            "postgres://\(credentials)@localhost:\(port)/\(Self.database)?\(query)"
        }
        plain = url(port, "sslmode=disable")
        prisma = url(port, Self.parameters)
        shadow = url(shadowPort, "sslmode=disable")
        prismaShadow = url(shadowPort, Self.parameters)
        http = "http://localhost:\(httpPort)"
        // Prisma's schema engine borrows the two URLs out of the JSON text: an escape in them would be a parse error. There
        // is none to write, because a percent-encoded URL and a checked name have no quote, backslash or control character.
        let json = "{\"databaseUrl\":\"\(prisma)\",\"name\":\"\(name.text)\",\"shadowDatabaseUrl\":\"\(prismaShadow)\"}"
        // Without padding: the schema engine's decoder is strict.
        prismaPostgres = "prisma+postgres://localhost:\(httpPort)/?api_key=\(Base64.urlEncode(json.utf8))"
    }
}
