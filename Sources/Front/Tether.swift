internal import Basics
internal import HandoffImage
internal import Loop

/// The private connection on which a client's socket went to a server. It says when the backend has the socket and ends
/// with the backend: two callbacks and no task, so that a session that is handed off costs nothing but this. Owns the
/// connection. Confined to the loop's thread.
final class Tether {
    enum Outcome: Sendable {
        /// The backend has begun to answer on the client's socket: our copy can be closed.
        case taken
        /// The client's socket is still ours alone. What was said instead, by the library or by a postmaster that never saw
        /// the client; empty: the server left without a word.
        case answered([UInt8])
        /// Closed on this side.
        case dropped
    }

    /// The instance's.
    let id: String
    private(set) var isTaken = false
    /// -1 once it is closed.
    private(set) var link: Int32
    private let loop: Loop
    private var poll: PollHandle?
    private var answer: [UInt8] = []
    private let settled: @Sendable (Outcome) -> Void
    private let ended: @Sendable () -> Void

    /// - Parameters:
    ///   - link: everything has been sent on it.
    ///   - settled: called once.
    ///   - ended: called once after `taken`: the session is over.
    ///
    /// Nobody looks at the link before `watch`; whoever lets it rest calls `readable` when there is something.
    init(
        loop: Loop, id: String, link: Int32, settled: @escaping @Sendable (Outcome) -> Void,
        ended: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.id = id
        self.link = link
        self.settled = settled
        self.ended = ended
    }

    func watch() {
        guard link >= 0, poll == nil else { return }
        do throws(DevError) {
            let poll = try PollHandle(loop: loop, socket: link)
            poll.start(.readable) { [unowned self] _ in readable() }
            self.poll = poll
        } catch {
            // Nobody could tell us: as if the server had left.
            shut()
            if isTaken { ended() } else { settled(.answered([])) }
        }
    }

    func readable() {
        guard link >= 0 else { return }
        var space = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        let (count, first) = withUnsafeMutableBytes(of: &space) { space in
            let count = space.baseAddress.map { SystemCall.read(link, $0, space.count) } ?? -1
            if !isTaken, count > 0, space[0] != HandoffMessage.taken || !answer.isEmpty { answer += space[..<count] }
            return (count, space[0])
        }
        if count < 0, SystemCall.isTemporary { return }
        if isTaken {
            // Nothing is said any more; its end is the session's.
            if count <= 0 { close() }
        } else if count > 0, answer.isEmpty, first == HandoffMessage.taken {
            isTaken = true
            settled(.taken)
        } else if count <= 0 || answer.count >= 8_192 {
            shut()
            settled(.answered(answer))
        }
    }

    /// The session, if there is one, goes on at the server.
    func close() {
        guard link >= 0 else { return }
        shut()
        if isTaken { ended() } else { settled(.dropped) }
    }

    private func shut() {
        guard link >= 0 else { return }
        poll?.close()
        poll = nil
        ClientSocket.close(link)
        link = -1
    }
}
