internal import Basics
internal import HandoffImage
internal import InstanceManager
internal import Loop
internal import PostgresWire
internal import Registry

extension Front {
    /// The short way of a client whose start-up packet is here and whose server is awake and takes hand-offs: in one go,
    /// without a task. Whatever is not so, or fails, is for the long way, which starts from the bytes read.
    /// - Parameter said: what has been read of the client.
    /// - Returns: the private connection on which the client's socket is on its way; nil: the long way.
    func express(_ descriptor: Int32, _ origin: Visit.Origin, _ said: inout [UInt8]) -> Int32? {
        guard origin.kind == .main, let (endpoint, database) = instances.awake(origin.id), endpoint.passage == .handoff else { return nil }
        said = [UInt8](unsafeUninitializedCapacity: 1_024) { space, count in
            count = space.baseAddress.map { max(0, SystemCall.read(descriptor, $0, space.count)) } ?? 0
        }
        guard let message = message(said, database) else { return nil }
        let name = HandoffMessage.peerName(trusted: false, address: origin.address, port: origin.port, random: drawNumber())
        guard let link = PrivateSocket.connect(endpoint.socketPath, name: name) else { return nil }
        guard PrivateSocket.send(HandoffMessage.encode(message), passing: descriptor, on: link) else {
            ClientSocket.close(link)
            return nil
        }
        return link
    }

    /// The start-up packet as the server shall see it, and what came behind it; nil when the packet is not all here, or is
    /// none.
    private func message(_ said: [UInt8], _ mainDatabase: String) -> [UInt8]? {
        if let message = StartupPacket.renamingPlain(said, Route.template, to: WireText(mainDatabase)) { return message }
        var reader = StartupReader()
        guard case .request(.startup(var packet), let end) = reader.next(said) else { return nil }
        _ = Route.apply(&packet, port: .main, mainDatabase: mainDatabase)
        return packet.isTooLong ? nil : packet.encoded() + said[end...]
    }
}
