import Basics
import CPosix
import Foundation
import Loop
import Testing

@Suite(.timeLimit(.minutes(1))) struct SocketTests {
    /// 3 MiB that no shift or repetition of would equal.
    private static let bytes: [UInt8] = {
        var state: UInt32 = 1
        return (0..<3 << 20).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }()

    /// Sends back what comes until the end of the stream.
    private static func echo(_ socket: Socket) async {
        do throws(DevError) {
            var buffer: [UInt8] = []
            while try await socket.read(into: &buffer, max: 32_768) > 0 {
                try await socket.write(buffer)
                buffer.removeAll(keepingCapacity: true)
            }
            socket.shutdownWrite()
        } catch { Issue.record("\(error)") }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func echoesMegabytesOverTCP(address: String) async throws {
        try await LoopThread.run { loop in
            let (descriptor, port) = try Listener.tcp(address: address, port: 0)
            #expect(port != 0)
            let listener = try Listener(loop: loop, descriptor: descriptor) { caller in
                loop.task {
                    guard let socket = try? Socket(loop: loop, descriptor: caller) else { return }
                    await SocketTests.echo(socket)
                }
            }
            let socket = try await Socket.tcp(loop: loop, address: address, port: port)
            let duplicate = dup(socket.descriptor)
            let writer = loop.task {
                // One task may write while another reads, through a descriptor of its own here because sockets can't be sent.
                guard let half = try? Socket(loop: loop, descriptor: duplicate) else { return }
                try? await half.write(SocketTests.bytes)
                half.shutdownWrite()
            }
            var received: [UInt8] = []
            while try await socket.read(into: &received, max: 65_536) > 0 {}
            await writer.value
            #expect(received == SocketTests.bytes)
            listener.close()
        }
    }

    @Test func aWriterWaitsForASlowReader() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            let record = Record()
            let descriptor = near.release()
            let writer = loop.task {
                guard let near = try? Socket(loop: loop, descriptor: descriptor) else { return }
                try? await near.write(SocketTests.bytes)
                record.add("written")
            }
            var received: [UInt8] = []
            var count = 0
            while received.count < SocketTests.bytes.count {
                // As slow as a reader can be without sleeping: a turn of the loop between two small reads at first.
                if count < 200 { await loop.turn() }
                if count == 100 { #expect(record.lines.isEmpty) }
                #expect(try await far.read(into: &received, max: count < 200 ? 100 : 65_536) > 0)
                count += 1
            }
            await writer.value
            #expect(received == SocketTests.bytes)
            #expect(try await far.read(into: &received, max: 1) == 0)
            #expect(far.isEnded)
        }
    }

    @Test func endsAndErrorsOfThePeerAreSeen() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            #expect(!near.isEnded)
            let peer = far.release()
            let closing = loop.task {
                await loop.turn()
                close(peer)
            }
            try await near.readable()
            #expect(near.isEnded)
            await closing.value
            // No SIGPIPE, an error.
            await #expect(throws: DevError.self) { try await near.write([1]) }
        }
    }

    @Test func cancellationAndCloseEndAWait() async throws {
        try await LoopThread.run { loop in
            for way in ["cancel", "cancel elsewhere", "cancel before"] {
                let (near, far) = try Socket.pair(loop: loop)
                let descriptor = near.release()
                let reader = loop.task { () -> DevErrorCode? in
                    var buffer: [UInt8] = []
                    do throws(DevError) {
                        let near = try Socket(loop: loop, descriptor: descriptor)
                        _ = try await near.read(into: &buffer, max: 10)
                        return nil
                    } catch { return error.code }
                }
                switch way {
                case "cancel":
                    await loop.turn()
                    reader.cancel()
                case "cancel elsewhere":
                    await loop.turn()
                    await Task.detached { reader.cancel() }.value
                default: reader.cancel()
                }
                #expect(await reader.value == .cancelled, "\(way)")
                far.close()
                far.close()
                #expect(far.descriptor == -1)
                var buffer: [UInt8] = []
                do throws(DevError) {
                    _ = try await far.read(into: &buffer, max: 1)
                    Issue.record("read a closed socket")
                } catch { #expect(error.code == .cancelled) }
            }
        }
    }

    @Test func aReleasedDescriptorIsFree() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            var buffer: [UInt8] = []
            try await far.write([1, 2, 3])
            #expect(try await near.read(into: &buffer, max: 2) == 2)
            try await far.write([4])
            let descriptor = near.release()
            #expect(near.release() == -1)
            // Another handle may take it at once.
            let again = try Socket(loop: loop, descriptor: descriptor)
            var rest: [UInt8] = []
            while rest.count < 2 { _ = try await again.read(into: &rest, max: 10) }
            #expect(rest == [3, 4])
        }
    }

    @Test func descriptorsTravel() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            let (passed, other) = try Socket.pair(loop: loop)
            try await near.write(Array("hello".utf8), passing: passed.descriptor)
            passed.close()
            var buffer: [UInt8] = []
            let (count, descriptor) = try await far.readPassed(into: &buffer, max: 100)
            #expect(count == 5 && buffer == Array("hello".utf8))
            let arrived = try Socket(loop: loop, descriptor: #require(descriptor))
            #expect(fcntl(arrived.descriptor, F_GETFD) & FD_CLOEXEC != 0)
            try await arrived.write([7])
            buffer = []
            #expect(try await other.read(into: &buffer, max: 1) == 1 && buffer == [7])
            try await near.write([1])
            #expect(try await far.readPassed(into: &buffer, max: 100).descriptor == nil)
        }
    }

    @Test func unixSocketsHaveTheirModeAndTheirName() async throws {
        try await withFolder { folder in
            try await LoopThread.run { loop in
                let path = folder + "/s.sock"
                #expect(FileManager.default.createFile(atPath: path, contents: nil))
                let (callers, out) = AsyncStream.makeStream(of: Int32.self)
                let listener = try Listener(loop: loop, descriptor: Listener.unix(path: path)) { _ = out.yield($0) }
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let name = "devdb/t/127.0.0.1/4711/\(UInt32.random(in: 0 ... .max))"
                let socket = try await Socket.unix(loop: loop, path: path, name: name)
                let caller = try #require(await callers.first { _ in true })
                var user: uid_t = 1
                #expect(devdb_peer_user(caller, &user) == 0 && user == getuid())
                #if os(Linux)
                    var address = sockaddr_un()
                    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
                    let status = withUnsafeMutablePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(caller, $0, &length) }
                    }
                    #expect(status == 0)
                    let bytes = withUnsafeBytes(of: address.sun_path) { Array($0[..<(Int(length) - 2)]) }
                    #expect(bytes == [0] + Array(name.utf8))
                #endif
                close(caller)
                try await socket.readable()
                listener.close()
                // A child that another test is just starting has a copy of the listener until its exec.
                var refusal: DevError?
                while refusal == nil {
                    do throws(DevError) { _ = try await Socket.unix(loop: loop, path: path) } catch { refusal = error }
                    await loop.turn()
                }
                #expect(refusal?.code == .system && refusal?.object == path)
                do throws(DevError) {
                    _ = try await Socket.unix(loop: loop, path: folder + String(repeating: "x", count: 100))
                    Issue.record("connected to an impossible path")
                } catch { #expect(error.code == .system) }
            }
        }
    }

    @Test func takenPortsAndBadAddressesAreErrors() throws {
        let (descriptor, port) = try Listener.tcp(address: "127.0.0.1", port: 0)
        defer { close(descriptor) }
        #expect { try Listener.tcp(address: "127.0.0.1", port: port) } throws: { ($0 as? DevError)?.code == .portTaken }
        #expect { try Listener.tcp(address: "localhost", port: 0) } throws: { ($0 as? DevError)?.code == .system }
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
        // ::1 does not take 127.0.0.1's port along.
        let (six, _) = try Listener.tcp(address: "::1", port: port)
        close(six)
    }

    @Test func aPollHandleReportsReadinessAndPeersEnd() async throws {
        try await LoopThread.run { loop in
            var pair: [Int32] = [-1, -1]
            #expect(devdb_socketpair(&pair) == 0)
            let (near, far) = (pair[0], pair[1])
            let (events, out) = AsyncStream.makeStream(of: PollHandle.Events.self)
            let poll = try PollHandle(loop: loop, descriptor: near)
            #expect(throws: DevError.self) { try PollHandle(loop: loop, descriptor: -1) }
            poll.start(.writable) {
                out.yield($0)
                poll.stop()
            }
            var iterator = events.makeAsyncIterator()
            #expect(await iterator.next(isolation: nil) == .writable)
            poll.start([.readable, .disconnect]) { out.yield($0) }
            close(far)
            let last = try #require(await iterator.next(isolation: nil))
            #expect(last.contains(.disconnect))
            poll.close()
            poll.close()
            close(near)
        }
    }
}
