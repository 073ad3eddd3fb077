import Basics
import Testing

@testable import Loop

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Sockets of the daemon before.
@Suite struct InheritedListenerTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func aSocketThatListensIsTakenOnce(_ address: String) throws {
        let given = try Listener.tcp(address: address, port: 0)
        let stranger = open("/dev/null", O_RDONLY)
        defer { for descriptor in [given.descriptor, stranger] { close(descriptor) } }
        InheritedListeners.adopt([given.descriptor, stranger, -1])
        let taken = try Listener.tcp(address: address, port: given.port)
        #expect(taken.descriptor == given.descriptor && taken.port == given.port)
        #expect(throws: DevError.self) { _ = try Listener.tcp(address: address, port: given.port) }
    }
}
