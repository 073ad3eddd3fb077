internal import PostgresWire
internal import Registry

/// Where a start-up packet leads.
enum Route {
    /// prisma dev's name for the main database. The real template1 is no place for tables: CREATE DATABASE would copy them.
    static let template: WireText = "template1"
    private static let standard: WireText = "postgres"

    /// Makes the packet what the server shall see, but for the name of the shadow database.
    /// - Returns: whether the packet is for the shadow database.
    static func apply(_ packet: inout StartupPacket, port: PortRecord.Kind, mainDatabase: String) -> Bool {
        packet.dropForeignParameters()
        // A physical walsender is in no database.
        guard packet.replication != .physical else { return false }
        let main = WireText(mainDatabase)
        switch port {
        case .shadow:
            // What tools name here is the main database, as they know it from the other port.
            let database = packet.database
            return database == template || database == standard || database == main
        case .main, .http:
            if packet.database == template { packet.setDatabase(main) }
            return false
        }
    }
}
