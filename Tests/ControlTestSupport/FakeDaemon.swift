public import Basics
internal import DevAPI
internal import Foundation

/// A daemon for tests of the client and the commands: a thread that answers on a real control socket in a home of its own.
/// `close()` ends it and removes the home.
public final class FakeDaemon: @unchecked Sendable {
    /// One request as it came.
    public struct Request: Sendable {
        public var path: String
        public var head: String
        public var body: [UInt8]
        public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try JSONText.decode(type, from: body) }
    }

    /// What is written back.
    public enum Step: Sendable {
        /// A JSON line, in a chunk of its own.
        case line(String)
        /// As the first step: takes the connection and says nothing at all, as one that was stopped.
        case mute
        /// Waits until the client has gone.
        case untilClientLeaves
        /// The connection is cut here, as by `kill -9`.
        case die
        /// The same, and nobody can connect any more.
        case vanish
    }

    public let layout: HomeLayout
    private let handler: @Sendable (Request) -> [Step]
    private let version: String
    private let listener: Int32
    private let finished = DispatchSemaphore(value: 0)
    // `lock` protects `received`; all else is constant after `init`. So the class is Sendable.
    private let lock = NSLock()
    private var received: [Request] = []

    /// - Parameter socketName: in the home's socket folder; another than the real one for a daemon that is not there yet.
    public init(
        version: String = devdbVersion, socketName: String = "devd.sock", handler: @escaping @Sendable (Request) -> [Step]
    ) throws {
        layout = HomeLayout(root: "/tmp/dt-\(UInt32.random(in: 0...UInt32.max))")
        self.handler = handler
        self.version = version
        try FileManager.default.createDirectory(atPath: layout.sockets, withIntermediateDirectories: true)
        let descriptor = socket(AF_UNIX, SocketType.stream, 0)
        let path = Array((layout.sockets + "/" + socketName).utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard bound == 0, listen(descriptor, 64) == 0 else { throw DevError(.system, "bind", object: layout.sockets) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        listener = descriptor
        Thread.detachNewThread { [self] in
            while serveOne() {}
            finished.signal()
        }
    }

    public var requests: [Request] { lock.withLock { received } }
    public func requests(_ path: String) -> [Request] { requests.filter { $0.path == path } }

    public func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        finished.wait()
        Foundation.close(listener)
        try? FileManager.default.removeItem(atPath: layout.root)
    }

    private func serveOne() -> Bool {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return errno == EINTR }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        // A follower of a log holds its connection while the next request comes.
        Thread.detachNewThread { [self] in
            defer { Foundation.close(client) }
            guard let request = read(client) else { return }
            lock.withLock { received.append(request) }
            answer(client, handler(request))
        }
        return true
    }

    private func read(_ client: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let text = String(bytes: bytes, encoding: .utf8), let end = text.range(of: "\r\n\r\n") {
                let head = String(text[..<end.lowerBound])
                let body = Array(text[end.upperBound...].utf8)
                let length = head.lowercased().range(of: "content-length: ").flatMap { Int(head[$0.upperBound...].prefix { $0.isNumber }) }
                if body.count >= length ?? 0 {
                    let path = head.split(separator: " ").dropFirst().first.map { String($0.dropFirst("/v1/".count)) }
                    return Request(path: path ?? "", head: head, body: body)
                }
            }
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    private func answer(_ client: Int32, _ steps: [Step]) {
        if case .mute? = steps.first {
            var byte: UInt8 = 0
            while recv(client, &byte, 1, 0) > 0 {}
            return
        }
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            + "\(ControlProtocol.versionHeader): \(version)\r\n\r\n"
        write(client, head)
        for step in steps {
            switch step {
            case .line(let line):
                // In two pieces, cut in the middle of the chunk.
                let text = String(line.utf8.count + 1, radix: 16) + "\r\n" + line + "\n\r\n"
                let middle = text.index(text.startIndex, offsetBy: text.count / 2)
                write(client, String(text[..<middle]))
                write(client, String(text[middle...]))
            case .untilClientLeaves:
                var byte: UInt8 = 0
                while recv(client, &byte, 1, 0) > 0 {}
            case .die, .mute: return
            case .vanish:
                unlink(layout.controlSocket)
                return
            }
        }
        write(client, "0\r\n\r\n")
    }

    private func write(_ client: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = send(client, bytes, bytes.count, SocketType.noSignal)
    }

    private enum SocketType {
        #if canImport(Darwin)
            static let stream = SOCK_STREAM
            static let noSignal: Int32 = 0
        #else
            static let stream = Int32(SOCK_STREAM.rawValue)
            static let noSignal = Int32(MSG_NOSIGNAL)
        #endif
    }
}

extension FakeDaemon.Step {
    public static func result(_ value: some Encodable) -> FakeDaemon.Step {
        .line("{\"result\":" + ((try? JSONText.compact(value)) ?? "null") + "}")
    }
    public static func error(_ error: DevError) -> FakeDaemon.Step {
        .line("{\"error\":" + ((try? JSONText.compact(error)) ?? "null") + "}")
    }
    public static func progress(_ text: String) -> FakeDaemon.Step { .line("{\"progress\":\"\(text)\"}") }
    public static func log(_ text: String) -> FakeDaemon.Step { .line("{\"line\":\"\(text)\"}") }
    public static func position(_ file: UInt64, _ offset: Int64) -> FakeDaemon.Step {
        .line("{\"at\":{\"file\":\(file),\"offset\":\(offset)}}")
    }
}

/// For handlers that answer the first request in another way than the next.
public final class Counter: @unchecked Sendable {
    // Protects `count`.
    private let lock = NSLock()
    private var count = 0
    public init() {}

    /// 1 at the first call.
    public func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
