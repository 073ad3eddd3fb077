import Basics
import Foundation
import Loop
import Testing

@Suite(.timeLimit(.minutes(1))) struct ListenerLimitTests {
    #if os(Linux)
        /// In a process of its own, because the limit counts for all threads.
        @Test func callersAreTurnedAwayWhenDescriptorsRunOutAndServedAgainAfterwards() async {
            await #expect(processExitsWith: .success) {
                try await LoopThread.run { loop in
                    let (descriptor, port) = try Listener.tcp(address: "127.0.0.1", port: 0)
                    let (callers, out) = AsyncStream.makeStream(of: Int32.self)
                    let listener = try Listener(loop: loop, descriptor: descriptor) { _ = out.yield($0) }
                    let waiting = try await Socket.tcp(loop: loop, address: "127.0.0.1", port: port)
                    var iterator = callers.makeAsyncIterator()
                    let first = try #require(await iterator.next(isolation: nil))

                    // A client socket, and then everything else is taken.
                    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                    var hogs: [Int32] = []
                    var limit = rlimit(rlim_cur: 64, rlim_max: 64)
                    #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
                    while true {
                        let hog = dup(0)
                        if hog < 0 { break }
                        hogs.append(hog)
                    }
                    var name = sockaddr_in()
                    name.sin_family = sa_family_t(AF_INET)
                    name.sin_port = port.bigEndian
                    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
                    let status = withUnsafePointer(to: name) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                        }
                    }
                    #expect(status == 0)
                    let turnedAway = try Socket(loop: loop, descriptor: client)
                    try await turnedAway.readable()
                    #expect(turnedAway.isEnded)
                    #expect(listener.refused == 1)
                    // Who was there before has not noticed.
                    #expect(!waiting.isEnded)
                    do throws(DevError) {
                        _ = try await Socket.tcp(loop: loop, address: "127.0.0.1", port: port)
                        Issue.record("no limit")
                    } catch { #expect(error.code == .descriptors) }

                    for hog in hogs { close(hog) }
                    let late = try await Socket.tcp(loop: loop, address: "127.0.0.1", port: port)
                    let second = try #require(await iterator.next(isolation: nil))
                    #expect(!late.isEnded)
                    close(first)
                    close(second)
                    listener.close()
                }
            }
        }
    #endif
}
