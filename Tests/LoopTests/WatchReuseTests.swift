import Basics
import Foundation
import Loop
import Testing

/// libuv's handles of closed sockets are used again for the next ones of their numbers.
@Suite(.timeLimit(.minutes(1))) struct WatchReuseTests {
    /// Both sockets wait for each other, so that each is watched.
    private static func talk(_ loop: Loop, _ near: Socket, _ far: Socket) async throws {
        let descriptor = far.release()
        let answer = loop.task {
            let far = Socket(loop: loop, socket: descriptor)
            var heard: [UInt8] = []
            _ = try? await far.read(into: &heard, max: 8)
            try? await far.write(heard + [9])
            far.close()
        }
        await loop.turn()
        try await near.write([7])
        var heard: [UInt8] = []
        while try await near.read(into: &heard, max: 8, later: heard.isEmpty) > 0 {}
        #expect(heard == [7, 9])
        await answer.value
    }

    @Test func numbersThatComeBackAreWatchedAnew() async throws {
        try await LoopThread.run { loop in
            for _ in 0..<50 {
                let (near, far) = try Socket.pair(loop: loop)
                try await Self.talk(loop, near, far)
                near.close()
            }
        }
    }

    /// A socket that is given away open takes its watch with it: what it says later is nobody's event.
    @Test func aReleasedSocketIsNotWatched() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            let waiting = dup(near.descriptor)
            try await Self.talk(loop, near, far)
            let kept = near.release()
            #expect(kept >= 0)
            // The same open file under another number, as a backend has it.
            close(kept)
            let (first, second) = try Socket.pair(loop: loop)
            try await Self.talk(loop, first, second)
            close(waiting)
            first.close()
        }
    }

    /// What can't be polled is refused, and does not take the handle of the socket that had its number.
    @Test func aFileOfTheSameNumberIsRefused() async throws {
        try await LoopThread.run { loop in
            let (near, far) = try Socket.pair(loop: loop)
            try await Self.talk(loop, near, far)
            let number = near.descriptor
            near.close()
            let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
            let plain = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
            for descriptor in [file, plain] where descriptor == number {
                #expect(throws: DevError.self) { _ = try PollHandle(loop: loop, descriptor: descriptor) }
            }
            close(file)
            close(plain)
        }
    }

    /// A server that dies with a request unread breaks its sockets, but what it had said before is still there. A reader that
    /// takes a part at a time comes to all of it, and then to the end.
    @Test func whatCameBeforeAnErrorIsReadToItsEnd() async throws {
        try await LoopThread.run { loop in
            var pair: [Int32] = [-1, -1]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
            let (near, far) = (pair[0], pair[1])
            defer { close(near) }
            let poll = try PollHandle(loop: loop, descriptor: near)
            #expect(write(far, [UInt8](repeating: 7, count: 1_000), 1_000) == 1_000)
            #expect(write(near, "unread", 6) == 6)
            close(far)
            let (reads, out) = AsyncStream.makeStream(of: Int.self)
            poll.start(.readable) { _ in
                var buffer = [UInt8](repeating: 0, count: 300)
                let count = read(near, &buffer, buffer.count)
                out.yield(count)
                if count <= 0 { out.finish() }
            }
            var counts: [Int] = []
            for await count in reads { counts.append(count) }
            poll.close()
            #expect(counts == [300, 300, 300, 100, -1])
        }
    }
}
