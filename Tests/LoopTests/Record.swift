import Basics
import Foundation

/// What has happened, in order. Callbacks come from several threads; `lock` protects `all`.
final class Record: @unchecked Sendable {
    private let lock = Lock()
    private var all: [String] = []

    func add(_ line: String) { lock.withLock { all.append(line) } }
    var lines: [String] { lock.withLock { all } }
}

/// A new folder under /tmp, removed when the body ends.
func withFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let path = "/tmp/devdb-loop-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
