internal import PostgresWire
internal import Registry

/// Where a start-up packet leads.
enum Route {
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
            return packet.database == "template1" || packet.database == "postgres" || packet.database == main
        case .main, .http:
            // prisma dev's name for it. The real template1 is no place for tables: CREATE DATABASE would copy them.
            if packet.database == "template1" { packet.setDatabase(main) }
            return false
        }
    }
}
