import Foundation
import Loop
import PostgresSession
import Testing

/// What a statement or a connection attempt fails with.
func failure<T>(_ body: () async throws(PostgresError) -> T) async -> PostgresError? {
    do throws(PostgresError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// A Unix socket whose one client gets these bytes for an answer, or silence, and then the end if it shall not stay.
final class FakeServer: @unchecked Sendable {
    // Immutable; the thread uses its own copies.
    let folder: String
    private let listener: Int32

    init(answer: [UInt8]?, stays: Bool = false) throws {
        folder = "/tmp/devdb-fake-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array((folder + "/.s.PGSQL.5432").utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        try #require(bound == 0 && listen(listener, 8) == 0)
        guard let answer else { return }
        let descriptor = listener
        Thread {
            let client = accept(descriptor, nil, nil)
            guard client >= 0 else { return }
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = read(client, &buffer, buffer.count)
            _ = write(client, answer, answer.count)
            while stays, read(client, &buffer, buffer.count) > 0 {}
            close(client)
        }.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// An ErrorResponse.
    static func error(_ code: String, _ message: String) -> [UInt8] {
        let body = Array("SFATAL\0VFATAL\0C\(code)\0M\(message)\0HTry later\0\0".utf8)
        let length = UInt32(body.count + 4)
        return [UInt8(ascii: "E")] + withUnsafeBytes(of: length.bigEndian) { Array($0) } + body
    }
}
